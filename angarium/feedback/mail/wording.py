"""The words by which notices are known, in the languages in which hosts write them. Pure.

They say only what kind of mail it is: what a refusal means is the classifier's. All in folded case. Each is looked for
as it stands, so the work is linear in the text (C4).
"""

from typing import Final


def phrases(text: str) -> tuple[str, ...]:
    return tuple(
        each for line in text.split("\n") for part in line.split("|") if (each := part.strip())
    )


# Something was not delivered, or not yet
FAILURE: Final = phrases(
    """
    not be delivered | n't be delivered | not deliver | n't deliver | unable to deliver | not able to deliver |
    n't able to deliver | cannot be delivered | can not be delivered | not delivered | undeliverable | undelivered |
    delivery failed | delivery has failed | delivery failure | failed delivery | failed to deliver |
    delivery error | delivery problem | error delivering | problem delivering | problems delivering |
    delivering your mail | delivery to the following | delivery of your | delevery to | failed permanently |
    permanent error | permanent fatal error | fatal error | permanent failure | transient non-fatal |
    did not reach | n't reach | not be reached | not been delivered | non-delivery | nondelivery |
    returned to sender | address(es) failed | address failed | addresses failed | not be sent | n't be sent |
    unable to send | could not send | was rejected | were rejected | been rejected | failed recipient |
    invalid final delivery | failed address | not yet been delivered | has been delayed | is delayed | delivery status |
    attempting to deliver | attempted to deliver | trying to deliver | tried to deliver | been postponed |
    bounce notification | failure notice | failure reason | failure report | trouble delivering |
    not a member of this | not allowed to post | could not be routed | undeliver | was not reached | unroutable |
    unrouteable | duplicated message-id | delivery attempt | could not be completed | mail rejected |
    message rejected

    nicht zugestellt | unzustellbar | nicht zustellbar | zustellung fehlgeschlagen | zustellfehler |
    fehler bei der zustellung | nicht übermittelt | nicht ausgeliefert | unbekannter empfänger | zurückgewiesen |
    nicht zustellen | zustellung nicht möglich

    pas pu être remis | pas pu être délivré | pas pu être distribué | pas été remis | pas été délivré |
    échec de la remise | échec de remise | non remis | non délivr | non distribu | impossible de remettre |
    échec de la livraison | échec de livraison | remise a échoué | pas pu être envoyé | pas pu être acheminé |
    échec d'envoi | échec de la distribution | pas pu délivrer | pas pu remettre

    podido entregar | pudo entregar | pudo ser entregado | podido ser entregado | puede entregar |
    error de entrega | no entregado | no se entregó | fallo en la entrega | error en la entrega |
    entrega ha fallado | imposible entregar | pôde ser entregue | possível entregar | falha na entrega |
    não entregue | não foi entregue | falha ao entregar | foi devolvid | impossibile recapitare | mancata consegna |
    consegna non riuscita | mancato recapito | recapito non riuscito | impossibile consegnare |
    possibile consegnare | non è stato consegnato | non consegnat | stato recapitato

    niet worden bezorgd | niet bezorgd | onbestelbaar | niet worden afgeleverd | niet afgeleverd |
    bezorging mislukt | bezorgen is mislukt | inte levereras | inte leverera | leveransen misslyckades |
    ikke leveres | ikke afleveres | ikke leveret | ikke levert | kunne ikke sendes | voitu toimittaa |
    toimitus epäonnistui | toimittaminen epäonnistui

    nie można dostarczyć | zostać dostarczon | niedostarczon | nie dostarczono | nie udało się dostarczyć |
    nelze doručit | nedoručen | možné doručit | nepodařilo doručit | kézbesíthet | kézbesítés | putut fi livrat |
    teslim edilemedi | iletilemedi | gönderilemedi | να παραδοθεί | η παράδοση απέτυχε

    быть доставлен | не доставлен | недоставлен | не удалось доставить | ошибка доставки | не было доставлено |
    невозможно доставить | доставить сообщение | отправить сообщение | вдалося доставити | бути доставлен |
    бъде доставено | доставить письмо | отправить письмо

    配信できま | 配信不能 | 配信に失敗 | 送信できま | 送信に失敗 | 送信不能 | 配送できま | 配送に失敗 | 配送不能 |
    届けすること | 届けできま | 届きません | 送信でき | 配達できま | エラーメール | 届かな | 配信エラー |
    送信エラー | 不達 | 宛先不明 | 受信できま | 受信拒否

    无法投递 | 无法送达 | 无法发送 | 投递失败 | 发送失败 | 退信 | 被退回 | 未能送达 | 無法傳遞 | 無法寄達 |
    無法投遞 | 傳送失敗 | 投遞失敗 | 寄送失敗 | 배달되지 | 배달하지 못 | 전송되지 | 전송 실패 | 전송하지 못 | 반송 |
    전달할 수 없 | 전달되지 | 발송 실패 | không gửi được | không thể gửi | tidak terkirim

    لא נמסר | למסור | ไม่สามารถส่ง | ไม่สามารถจัดส่ง
    """
)
# Besides: why a recipient is refused. Alone it does not make a notice: others write of full mailboxes, too.
REFUSAL: Final = FAILURE + phrases(
    """
    user unknown | unknown user | no such user | mailbox full | mailbox is full | over quota | overquota |
    invalid recipient | not accepted | not exist | n't exist | not found | bounced | not listed in | has failed |
    blocked by | unknown address | unknown recipient | no valid recipients | not receive | n't receive |
    rejected by | not sent | cannot send | konnte nicht | abgelehnt | no pudo ser | não pôde ser | nao pode ser |
    退回 | تسليم | تحویل | unavailable | disabled | no longer
    """
)
# Tried again: nothing is decided
DELAY: Final = phrases(
    """
    has been delayed | is delayed | message delayed | been delayed | delivery delayed | mail delayed | (delay) |
    delayed mail | warning message only | warning only | will be retried | not yet been delivered |
    not been delivered yet | not delivered yet | still being retried | still trying | still attempting |
    continue to try | continue trying | attempts will continue | keep trying | temporary failure report |
    been postponed | send mail for past | send message for past | send message for the past | will retry |
    transient non-fatal | is delayed for | try again later to deliver | delivery is delayed | not yet delivered |
    temporarily delayed | be attempted again | delivery warning | delay notification | delayed by | verzögert |
    retardé | en retard | retrasad | demorad | atrasad | adiada | in ritardo | ritardat | vertraagd | försenad |
    forsinket | forsinkelse | viivästy | opóźnion | zpožděn | задерж | затрим | gecikti | gecikme | 遅延 | 遅れて |
    再送を | 延迟 | 延遲 | 지연
    """
)
# Given up: outweighs DELAY in the text of one notice
FINAL: Final = phrases(
    """
    giving up | given up | permanent error | failed permanently | fatal error | permanent failure |
    returned to sender | delivery has failed | delivery failed | has been removed from | was aborted after
    """
)
# In a subject: someone is away, or a machine answers
AUTO_SUBJECT: Final = phrases(
    """
    out of office | out of the office | out-of-office | automatic reply | automated reply | auto reply |
    auto-reply | autoreply | autoresponse | auto-response | auto response | automated response | vacation |
    autoresponder | automatic response | away from | on leave | on holiday | annual leave | maternity leave |
    i am away | i'm away | no longer with | automatische antwort | abwesenheit | abwesend | réponse automatique |
    absence du bureau | absent du bureau | respuesta automática | fuera de la oficina | resposta automática |
    fora do escritório | risposta automatica | fuori ufficio | automatisch antwoord | afwezig | autosvar |
    automatiskt svar | frånvaro | automaattinen vastaus | poissa | autoodpowiedź | odpowiedź automatyczna |
    automatická odpověď | автоответ | автоматический ответ | 自動応答 | 自動返信 | 自动回复 | 自動回覆 | 自动答复 |
    부재중 | 자동 응답 | 자동회신 | 자동 회신 | otomatik yanıt | ofis dışında | automatyczna odpowiedź |
    poza biurem | mimo kancelář | automatikus válasz | házon kívül | automatisk svar | fravær | buiten kantoor |
    răspuns automat | αυτόματη απάντηση | автоматична відповідь | вне офиса | nicht im büro | en congé |
    ausencia de la oficina | fuera de oficina | ausência | 不在通知 | 外出回复 | 不在办公室
    """
)
# What notices say beside their reason: read as one, it would be a wrong one ("attached" is no virus)
COURTESY: Final = phrases(
    """
    following address | following recipient | following message | these recipients | listed below | attached |
    created automatically | automatically generated | automatically created | problem report | not reply |
    further assistance | mail queue | your own text | original message | resend | message header | header fields |
    permanent error | fatal error | fatal delivery error | remote mail server | remote server returned |
    reasons given by | to help you determine | each recipient was | one or more recipients | of the intended |
    please contact | diagnostic information | generating server | technical details |
    delivery attempts were | delivery attempts are
    """
)
# A mailing list's own, which leave no other trace
LIST_CLOSED: Final = phrases(
    """
    not a member of this | not a member of the | not allowed to post | not authorized to post | members-only list
    """
)
LIST_REFUSAL: Final = (*LIST_CLOSED, "duplicated message-id")
# What relays write of themselves, where no host had said anything
EXPIRY: Final = phrases(
    """
    could not deliver for the last | was aborted after | maximum delivery attempts | giving up | given up after |
    has been in the queue | too long in the queue | all hosts have been failing | retry timeout | no longer be retried |
    message expired | expired after | could not be contacted for | unable to connect for | 0 attempts: | 5 attempts:
    """
)
# In a subject: a report of non-delivery
FAILURE_SUBJECT: Final = FAILURE + phrases(
    """
    returned mail | mail failure | message failure | mail delivery | mail system error | failed mail |
    undelivered mail | delivery report | delivery notification | delivery status notification | mail error |
    message status | non delivery | fehlermeldung | non remise | are not member | loop alert |
    delivery has been delayed | message delayed | delayed mail | returned email | mail returned |
    send mail for past | send message for past | errors from | message delay | bounce | mail undeliver |
    zurückgesendet | devuelto | rechazado | returned message | message you sent
    """
)


def has_any(text: str, words: tuple[str, ...]) -> bool:
    """Whether ``text``, in folded case, has one of ``words``."""
    # A plain loop: any() with a generator takes three times as long
    for each in words:  # noqa: SIM110
        if each in text:
            return True
    return False
