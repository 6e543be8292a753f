"""What is said of who sends: of us, and of the sender's address. Pure. What SURE, CLEAR, HINT are: ``recipient``."""

from typing import Final

from angarium.feedback.classes import BounceClass

# The mailbox's own rate: no fault of ours
MAILBOX_RATE: Final = """
    receiving {message|messages|mail|email} {too quickly|too fast|at a rate|rate|at rate}
    {user|recipient|mailbox} .. over .. limit .. {receive|messages}
    {recipient|mailbox|user} .. {thread limit|delivery rate|receive rate}
    {recipient|mailbox|user} .. {receiving limit|message rate limit|hourly limit}
    {recipient|mailbox} .. receives too many messages
    {user|recipient|mailbox|account} {received|receiving|got} too many {messages|mails|emails}
    ratelimit .. mailbox
"""

CERTAIN: Final = {
    BounceClass.GREYLISTED: """
        greylisted
        sender unknown yet
        first {contact|time sender|connection|seen}
        address verification {in progress|progress}
        verification {in progress|under way|pending}
        never sent .. before
        {unknown|new} {triplet|sender recipient}
    """,
    BounceClass.AUTH_FAILURE: """
        dmarc
    """,
}

SURE: Final = {
    BounceClass.RATE_LIMITED: """
        {daily|hourly|sending|outbound|per hour|monthly|sender|relay} {quota|limit} .. {exceeded|over|reached}
        {exceeded|over|reached} .. {daily|hourly|sending} {limit|quota}
        too many {connections|sessions|messages|mails|emails|recipients} LATER
        too many {connections|sessions|messages|mails|emails|recipients|smtp sessions|requests|deliveries}
        too many {concurrent|simultaneous|parallel} {connections|sessions|smtp|smtp connections}
        rate limited .. unusual
        unusual rate
        frequency limited
        sender .. over .. quota
        {messages|message|recipients|connections|mails} per {hour|day|minute|session|connection}
        too many {invalid|unknown|bad|nonexistent|wrong|failed} {recipients|addresses|users|rcpt}
    """,
    BounceClass.BLOCKED: """
        blocked using
        open relay
        dns blacklist
        {server|network} .. blacklist
        {ip|client|host} .. blacklist
        {banned ip|ip banned|banned sending ip|banned host|host banned}
        block list {ip|network|host|server}
        network .. blacklist
        dynamic {ip|host|address|addresses|network|connection|ranges|space|rdns}
        client host {rejected|blocked|refused|banned}
        {rejected|refused|blocked} host dnsbl
        {rejected|refused|blocked} {by blacklist|by dnsbl|by our blacklist}
        sender {rejected|refused|blocked} by blacklist
        blocked using .. {blacklist|sender blacklist}
        {spamhaus|spam haus|spamcop|sorbs|uceprotect|abusix|invaluement|barracuda reputation|sbl|xbl|pbl}
        ip .. spammer
        access .. from .. location
        spam from ip
        {ip|host|client} no .. whitelist
        ip .. no allowed .. directly
        refused .. abuse
        abuse from .. {ip|network|host}
        {message|messages|connection|mail} .. from .. {country|region|network} {no accepted|blocked}
        {message|messages|connection|mail} .. from .. {country|region|network} {rejected|refused}
        no accept {message|messages|mail|connection} from .. {country|network|ip|dynamic}
        geographical location
        {ip|host|server|client} .. found .. blacklist
    """,
    BounceClass.REPUTATION: """
        reputation
        {poor|low|bad|very low|weak|insufficient} {reputation|sender reputation}
        {poor|low|bad|very low|weak|insufficient} {ip reputation|domain reputation|senderscore}
        {low|poor|bad|ip|domain|sender|host} reputation .. {ip|domain|sender|host}
        reputation .. {too low|poor|bad|low}
        domain bad reputation
        sender score
        bad sender score
        user complaint
        {many|high} complaint
        complaint {rate|rates|volume}
        {unexpected|unusual} volume .. complaint
        rate limited due ip reputation
    """,
    BounceClass.PTR_REQUIRED: """
        {ip|host} must resolve
        client host rejected .. no found .. {host|hostname|reverse|name}
        no {reverse|ptr|rdns}
        reverse .. {no exist|no found|missing|required|failed|lookup|no match|no resolve|invalid|setup|record}
        {missing|invalid|bad|fix|incorrect|required|generic|need|needs} {reverse|ptr|dns ptr}
        ip name lookup failed
        {ip|client ip} .. {mismatch|mismatches}
        {mismatch|mismatches} .. ip
        reverse dns lookup {failed|required|error|no found}
        reverse {dns|name|hostname|lookup|host|resolution|entry|pointer}
        {host|hostname|helo|ip|name} .. no match .. reverse
        {ip|client} no resolve .. {name|hostname|host}
    """,
    BounceClass.AUTH_FAILURE: """
        {spf|dkim|dmarc|sender id|senderid|domainkeys} .. {fail|failed|no pass|policy|reject}
        {spf|dkim|dmarc|sender id|senderid|domainkeys} .. {rejected|no valid|invalid}
        {spf|dkim|dmarc|sender id|senderid|domainkeys} .. {missing|required|no permitted}
        {fail|failed|no pass|no valid|no passing|missing|without|invalid|no} .. {spf|dkim|dmarc}
        {rejected|refused|blocked|denied|no accepted} .. {spf|dkim|dmarc}
        {unauthenticated|no authenticated} {message|messages|mail|email|sender|email from}
        sender unauthenticated
        {no|lacks|without|missing} {authentication information|authentication checks}
        {authentication|authenticated} {level|requirements|checks|results|check}
        no meet .. {authentication|authenticated}
        {spf|dkim} {authentication|validation|verification|check|record}
        no authenticated .. {spf|dkim}
        forged sender
        {purported|forged|spoofed} {sender|responsible}
        no pass authenticated
    """,
    BounceClass.SENDER_REJECTED: """
        domain of sender .. {no exist|unknown|no found|no resolve|blocked}
        {sender domain|domain of sender address} .. {no exist|unknown|no found|no resolve|blocked}
        domain of sender .. {rejected|blacklist|banned|null mx|no mx|no valid}
        {sender domain|domain of sender address} .. {rejected|blacklist|banned|null mx|no mx|no valid}
        {domain of sender|sender domain} {invalid|resolve failed|lookup failed}
        from domain .. {no allowed|rejected|blocked|refused}
        sender .. {null mx|nullmx}
        null mx & 5.7.27
        sender address {rejected|blocked|refused|denied|invalid}
        sender address {banned|blacklisted|forbidden|no allowed|verification failed|syntax}
        sender {address|domain} .. NO_SUCH
        sender {verify|verification} failed
        sender .. no verify
        {refuse|reject|rejected|refused} message from .. sender
        badmailfrom
        null sender .. no {allowed|accepted}
        purported responsible address
        envelope sender .. {blacklist|blocked|banned|rejected|denied}
        sender {refused|rejected|blocked|denied|blacklisted|banned} {by|due}
        domain of message from no exist
        message from {domain|address} .. no exist
        {invalid|bad|illegal} {sender|mail from|from address|return path|envelope sender}
        sender .. no {mx|dns|aaaa|domain}
        sender rejected .. {mx|domain|dns}
        address no verified
    """,
    BounceClass.RELAY_DENIED: """
        relay {denied|rejected|no allowed|forbidden|refused|disallowed|disabled|access denied}
        relay {access rejected|no permitted|no authorized|attempt}
        relay {prohibited|restricted|operation rejected|not permitted}
        {no|unable|forbidden|rejected|refusing|refuse|denied|no allowed|no permitted|no authorized} .. relay
        rcpthosts
        no a gateway
        no accepted domain
        use .. relay
        no .. open relay
        locals file
        no configured
        no {hosted|handled}
        no handle message
        relay .. {no allowed|no permitted}
        no local {domain|host|~}
        no one .. domains
        relay .. {forbidden|rejected|prohibited}
        domain .. no {hosted|local|handled|served|configured|ours|in list|allowed}
        no our domain
    """,
    BounceClass.SECURITY: """
        {requires|require} {authentication|authenticated|login|smtp authentication}
        {authentication|authenticated|login} {required|needed|necessary|first|mandatory}
        sender no {permitted|allowed|authorized} .. {list|group|members|recipient}
    """,
}

CLEAR: Final = {
    BounceClass.GREYLISTED: """
        {try later|later|wait} .. {seconds|minutes|mins|min}
        {wait|later} few {seconds|minutes}
        come back {later|after}
        come back .. {minutes|seconds|min}
    """,
    BounceClass.RATE_LIMITED: """
        too many {connections|sessions|messages|mails|emails|recipients|smtp sessions}
        too many {requests|commands|errors|concurrent|transactions|deliveries|rcpt}
        too many .. {mail|message|messages|email}
        too many .. {emails|traffic|connection|connections|sessions}
        {sending|sends} .. too {fast|quickly|many|much}
        too {fast|quickly|frequent}
        {rate|message rate} {limit|exceeded|over|limited|too high|restricted}
        {sending rate|connection rate|mail rate} {limit|exceeded|over|limited|too high|restricted}
        limit .. rate
        throttled
        {exceeded|over|reached} .. {max|maximum|limit|limits} .. {connection|connections}
        {exceeded|over|reached} .. {max|maximum|limit|limits} .. {messages|message|recipients}
        {exceeded|over|reached} .. {max|maximum|limit|limits} .. {hour|day|session|sessions|minute}
        {max|maximum} {number|connections|messages} .. {exceeded|over|reached|per}
        {max|maximum} {recipients|message|sessions|connection} .. {exceeded|over|reached|per}
        {message|messages|connection|recipient} limit .. {exceeded|over|reached|per|hit|connection}
        {recipients|session|concurrent|concurrency} limit .. {exceeded|over|reached|per|hit|connection}
        limit .. {messages|recipients|connections|mail} per {hour|day|minute|session|connection}
        per {hour|day|minute} .. {limit|exceeded}
        {concurrent|simultaneous} {connections|connection|sessions|smtp connections|smtp sessions}
        slow down
        over .. thread limit
        {max|maximum} messages .. {session|connection}
        rate limited
        temporary rate limited
        reached .. limit .. {recipients|messages|connections|sending}
        unexpected volume
        {daily|hourly} {limit|quota}
        {connection|connections} frequency
        too many wrong
    """,
    BounceClass.BLOCKED: """
        blacklist
        banned
        {ip|client|network} {refused|is refused}
        {ip|client|network} .. {blocked|rejected|locked|no allowed}
        {ip|client|network} .. {denied|listed|no accepted|forbidden|no welcome}
        {host|server} .. {blocked|locked|listed|no welcome}
        host {rejected|denied}
        {host|server} .. forbidden
        forbidden .. ip
        {blocked|rejected|denied|banned|no accept} .. {ip|network}
        connection .. from .. {blocked|denied|rejected|refused}
        no allowed {connect|connection|send message from}
        no accepting connections
        no message exchanger
        no accept {connection|connections} from
        listed {at|in|on|by} ~
        {ip|~} listed
        {rejected|blocked|refused|denied} .. listed
        rejected {ip|~} found
        {no welcome|no trusted|suspicious} {host|ip|server}
        ip .. {abuse|infected|compromised}
        blocked for {spam|abuse}
        service {blocked|refused}
        invalid ip
        {server|host|ip} .. blocked
        {barracuda|csi}
    """,
    BounceClass.REPUTATION: """
        reputation
        complaint
        {permanently|temporarily} deferred
        {history|pattern} of {spam|abuse}
        senderbase
        sender score
    """,
    BounceClass.PTR_REQUIRED: """
        reverse
        no dns record .. ip
        hostname .. no resolve
        {host|ip} no resolved
        {bad|invalid} {helo|ehlo}
        {helo|ehlo} .. {rejected|denied|no exist|missing|refused|unknown}
        {helo|ehlo} .. {no resolve|no match|invalid|no found|no fqdn}
    """,
    BounceClass.AUTH_FAILURE: """
        spf
        dkim
        dmarc
        domainkeys
        sender id
        unauthenticated
        arc {failed|seal|validation}
        {spoofing|spoofed|spoof} .. {sender|message|domain}
    """,
    BounceClass.SENDER_REJECTED: """
        unroutable sender
        sender .. {rejected|refused|blocked|denied|banned|blacklist}
        sender .. {no allowed|invalid|no accepted|forbidden|no valid|unacceptable|no permitted}
        {rejected|blocked|refused|banned} sender
        {from|return path|message from|mail from} {address|domain|header} .. {rejected|blocked|refused}
        {from|return path|message from|mail from} {address|domain|header} .. {no allowed|no accepted|invalid}
        message from .. {no allowed|rejected|forbidden}
        {bad|invalid|unknown|forged|fake} sender
        no accept .. from {this sender|sender}
        no allowed .. use .. sender
        return path .. no
        no .. verify .. {return path|sender}
    """,
    BounceClass.SECURITY: """
        {authentication|authenticated|auth|login} {required|needed|necessary|first|mandatory}
        {must|need|required} {authenticate|authenticated|login|auth}
        {no|client no|user no|sender no} authenticated
        {authentication|login|authenticated} {failed|credentials|mechanism|unsuccessful|invalid}
        {no authorized|no allowed} .. {send|post|submit|list|group|recipient}
        {no permission|no permitted|no entitled} .. {send|post|submit|list|group|recipient}
        no {permission|permissions}
        {only|closed|members only|member} .. {members|group|post}
        restricted {recipient|recipients|group}
        {allowed|accepted|approved|authorized} senders {list|no|only}
        sender no {permitted|listed} .. {post|senders|accepted|allowed}
        list expansion {prohibited|forbidden}
        moderated {list|group}
        action restricted
        web browser
        {must|need} log
        only authenticated {users|senders|user}
        {group|list} accept .. {sender|senders|members} only
        internal {sender|senders} only
        {requires|require} {authentication|authenticated|login|smtp authentication}
        access {denied|rejected|refused}
        credentials
        {turn|enable|activate|use} .. {authentication|smtp authentication|smtp auth}
        access restricted
    """,
}

HINT: Final = {
    BounceClass.SECURITY: """
        no allowed
        {unauthorized|unauthorised}
        security {policy|reasons|issue|policies}
    """,
    BounceClass.BLOCKED: """
        blocked
        {connection|client|host} {rejected|refused|denied}
        {host|client} {rejected|denied}
        no smtp service
        delist
    """,
    BounceClass.GREYLISTED: """
        {deferred|delayed} .. {seconds|minutes|mins}
    """,
    BounceClass.REPUTATION: """
        temporary deferred
        abuse
        suspicious
    """,
    BounceClass.RATE_LIMITED: """
        volume
        quota .. {sender|sending}
        temporary deferred .. volume
    """,
    BounceClass.RELAY_DENIED: """
        relay
    """,
    BounceClass.AUTH_FAILURE: """
        {spoof|spoofing|spoofed|impersonation|impersonating}
    """,
}
