"""What an order may have at most, as configured."""

from angarium.config.schema import Api
from angarium.intake.order_check import OrderLimits


def order_limits(config: Api) -> OrderLimits:
    return OrderLimits(
        message_octets=config.body_octets,
        recipients=config.recipients,
        batch_recipients=config.batch_recipients,
        subject_characters=config.subject_characters,
        headers=config.headers,
        headers_octets=config.headers_octets,
        tags=config.tags,
        tag_characters=config.tag_characters,
        metadata_octets=config.metadata_octets,
        attachments=config.attachments,
        refused_extensions=frozenset(
            [each.lower().lstrip(".") for each in config.refused_extensions]
        ),
        refused_types=frozenset([each.lower() for each in config.refused_types]),
    )
