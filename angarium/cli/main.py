"""The ``postmaster`` command. Subcommands are imported when they are used: starting stays quick."""

import gc
import importlib
import os
import sys
from pathlib import Path
from typing import Any, Final

import click

from angarium import __version__
from angarium.cli.exit import EX_CONFIG, EX_IOERR, EX_SOFTWARE, EX_USAGE

_COLLECT_AFTER: Final = 50_000
DEFAULT_CONFIG: Final = "/etc/angarium/angarium.toml"
COMMANDS: Final = {  # name -> module, attribute, help; the help is here so that listing imports nothing
    "quickstart": (
        "angarium.cli.quickstart",
        "quickstart",
        "Write a first configuration, and print its DNS records.",
    ),
    "serve": ("angarium.cli.serve", "serve", "Run the server."),
    "check": ("angarium.cli.check", "check", "Check configuration, DNS, ports, clock and disk."),
    "doctor": (
        "angarium.cli.doctor",
        "doctor",
        "Examine what receivers look at: expected, found, what to do.",
    ),
    "reload": ("angarium.cli.reload", "reload", "Have the server read its configuration again."),
    "status": ("angarium.cli.status", "status", "How each process of the running server is."),
    "adopt": (
        "angarium.cli.adopt",
        "adopt",
        "Have a restored or copied data directory send its mail.",
    ),
    "queue": ("angarium.cli.queue.command", "queue", "See and steer what is queued."),
    "log": ("angarium.cli.log", "log", "Say what happened to mail: did it arrive, and why not."),
    "connections": (
        "angarium.cli.traffic.connections",
        "connections",
        "See who is connected, and end a connection.",
    ),
    "warmup": (
        "angarium.cli.warmup",
        "warmup",
        "See and steer how new sources are warmed.",
    ),
    "rules": (
        "angarium.cli.rules.command",
        "rules",
        "See what providers' replies have put in force, and undo it.",
    ),
    "reputation": (
        "angarium.cli.reputation.command",
        "reputation",
        "See how senders stand and why, and which blocklists have us.",
    ),
    "alerts": (
        "angarium.cli.alerts.command",
        "alerts",
        "See which alarms are raised, why, and what to do; silence them.",
    ),
    "top": (
        "angarium.cli.traffic.top",
        "top",
        "Watch what goes where: rates, deferrals, what is in force.",
    ),
    "providers": (
        "angarium.cli.traffic.providers",
        "providers",
        "See what each provider allows, and where each limit comes from.",
    ),
    "sources": (
        "angarium.cli.traffic.sources",
        "sources",
        "See from where mail leaves, and how it fares.",
    ),
    "stats": (
        "angarium.cli.stats",
        "stats",
        "How much mail there was and what became of it, by day, stream, provider and more.",
    ),
    "report": (
        "angarium.cli.report.command",
        "report",
        "What a day was like, what is different from usual, and who read.",
    ),
    "lake": (
        "angarium.cli.lake.command",
        "lake",
        "Every event in files: SQL over months of them, and exports.",
    ),
    "analytics": ("angarium.cli.analytics", "analytics", "Count anew what there was of mail."),
    "forecast": (
        "angarium.cli.traffic.forecast",
        "forecast_command",
        "How long what is queued will take, and what keeps it back.",
    ),
    "trace": (
        "angarium.cli.trace.command",
        "trace",
        "See how a domain's mail hosts answer us; nothing is sent.",
    ),
    "suppress": (
        "angarium.cli.suppress.command",
        "suppress",
        "See and change which addresses nothing is sent to.",
    ),
    "feedback": (
        "angarium.cli.feedback.command",
        "feedback",
        "See how replies, and mail that comes back, are understood.",
    ),
    "receivers": (
        "angarium.cli.receivers.command",
        "receivers",
        "See what mailbox providers say of our mail as a whole: DMARC, TLS, their own figures.",
    ),
    "content": (
        "angarium.cli.content.command",
        "content",
        "See what is wrong with a message before it is sent.",
    ),
    "send": ("angarium.cli.send", "send", "Send a message through this server."),
    "dkim": ("angarium.cli.dkim", "dkim", "Make, publish and verify DKIM keys."),
    "tenant": ("angarium.cli.tenant", "tenant", "Whose mail there is: tenants."),
    "key": ("angarium.cli.key", "key", "Keys that programs send with."),
    "topic": (
        "angarium.cli.topic",
        "topic",
        "What mail is about, so that people may leave one topic.",
    ),
    "webhook": ("angarium.cli.webhook.command", "webhook", "Where tenants are told of their mail."),
    "template": (
        "angarium.cli.template.command",
        "template",
        "What mail is made of: versions, previews, tests.",
    ),
    "upload": ("angarium.cli.upload", "upload", "Files of recipients, for campaigns."),
    "campaign": (
        "angarium.cli.campaign",
        "campaign",
        "Mail to each row of a file: how far it is, and what became of it.",
    ),
    "domain": ("angarium.cli.domain", "domain", "As which domains tenants send."),
    "tracking-host": (
        "angarium.cli.tracking_host",
        "tracking_host",
        "Hosts of tenants' own for links in mail.",
    ),
    "account": ("angarium.cli.account", "account", "Which people log in, and their roles."),
    "audit": ("angarium.cli.audit", "audit", "Who did what, and whether the record is whole."),
    "retention": (
        "angarium.cli.retention",
        "retention",
        "How long what is stored is kept, and how old it is.",
    ),
    "export": ("angarium.cli.export", "export_", "All that is stored of one person, as files."),
    "erase": ("angarium.cli.erase", "erase", "Erase what is stored of one person."),
    "user": ("angarium.cli.user", "user", "Who may log in to submit mail."),
    "version": ("angarium.cli.version", "version", "Print the versions in use."),
}


class LazyGroup(click.Group):
    """Knows its commands' names and help, and imports one when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_text) for name, (_, _, help_text) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--config",
    "-c",
    "config_file",
    type=click.Path(path_type=Path, readable=False),
    help=f"The configuration (default: {DEFAULT_CONFIG}, or $ANGARIUM_CONFIG).",
)
@click.version_option(__version__, prog_name="postmaster")
@click.pass_context
def postmaster(ctx: click.Context, config_file: Path | None) -> None:
    """Angarium, a self-hosted mail transfer agent."""
    ctx.obj = config_file


def main(args: list[str] | None = None) -> None:
    """Run the command line; exits with a code of sysexits.h."""
    # Imports make much and leave nothing to collect: a sixth of most commands' time was spent looking for it
    gc.set_threshold(_COLLECT_AFTER, 20, 100)
    sys.exit(run(sys.argv[1:] if args is None else args))


def run(args: list[str]) -> int:
    """Run the command line and return its exit code."""
    try:
        result: Any = postmaster.main(args, prog_name="postmaster", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help(), err=True)
        return EX_USAGE
    except click.UsageError as error:
        error.show()
        return EX_USAGE
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        click.echo("Aborted.", err=True)
        return 130
    except BrokenPipeError:
        # `postmaster queue list | head`: nothing more to say, and nowhere to say it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # noqa: BLE001  (the boundary of the command)
        return _failure(error)
    return result if isinstance(result, int) else 0


def _failure(error: Exception) -> int:
    """Say what went wrong in words, and return its exit code."""
    from angarium.config.error import ConfigError
    from angarium.host.sysexits import StartError

    if isinstance(error, ConfigError):
        click.echo(str(error), err=True)
        return EX_CONFIG
    if isinstance(error, StartError):
        click.echo(f"postmaster: {error}", err=True)
        return error.code
    if isinstance(error, OSError):
        click.echo(f"postmaster: {error}", err=True)
        return EX_IOERR
    import traceback

    traceback.print_exception(error)
    click.echo("postmaster: this is a fault of ours; please report it", err=True)
    return EX_SOFTWARE
