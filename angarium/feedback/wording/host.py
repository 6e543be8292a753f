"""What is said of our host and of how we send: phrases by class. Pure. What SURE, CLEAR, HINT are: ``recipient``."""

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
    # Whom we have asked for before, not whom we ask for now
    BounceClass.RATE_LIMITED: """
        over {user unknown|unknown user|unknown recipient|recipient unknown} {from|host|ip}
    """,
    BounceClass.GREYLISTED: """
        greylisted
        sender unknown yet
        first {contact|time sender|connection|seen}
        address verification {in progress|progress}
        verification {in progress|under way|pending}
        never sent .. before
        {unknown|new} {triplet|sender recipient}
        first {delivery|attempt}
        no seen .. before
    """,
    BounceClass.BLOCKED: """
        {ip|client|host} .. blacklist
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
        over {allowed|limit} rate
        {cxcnct|cxmxrt}
        busy & 4.7.500
        reduce .. {rate|sender|connection|volume|number}
        sent .. messages .. {hour|day|minute}
        sent .. message .. {hour|day|minute}
        more .. allowed .. per
        per hour .. {limit|over}
    """,
    BounceClass.BLOCKED: """
        blocked using
        open relay
        dns blacklist
        {server|network} blacklist
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
        {ip|client|host} .. blocked spam
        ip {blocked|is blocked}
        {server|host} ip {blocked|rejected|refused}
        cxbl
        cdrbl
        {ip|host|server|client} .. found .. blacklist
        bounce attacks
        spam ip
        {invalid|no valid} sender ip
        {go away|get lost}
        {confirm|confirmation} .. {server|host}
        {server|host} .. {confirm|confirmation}
        no access from
        no access {ip|host|domain|network}
        no access this {ip|host|domain|network}
        use .. server .. isp
        open proxy
        {host|ip|server} looks {like|suspiciously}
        {host|server} .. like spam
        unverifiable sender {ip|host}
        unverifyable sender {ip|host}
        rbl {rejected|rejection}
        {too many|list|listed|detected|sends|sending|from} spam .. {ip|host|server|network}
        {host|ip|server|network} .. spam {listed|list|source|blacklist}
        {residential|dialup|dial up|consumer|tor exit} {network|networks|ip|space|host|address|nodes|range|ranges}
        refused connection from
        no longer accept connection
        {dynamic|dynamically} assigned
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
        over complaint {limit|rate|rates}
        {history|pattern} {spam|abuse}
        history .. spam
        trust {score|level}
        low trust
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
        {invalid|no valid|unknown|no found|no exist|no resolve} .. {helo|ehlo}
        cxdns
        no resolve {address|ip|host|hostname}
        unroutable relay host
        generic .. {ptr|reverse|rdns}
        {client|client host|host ip} .. no .. {hostname|host|name}
        client host .. NO_SUCH
        501 & dns & no exist
        no dns .. returned
    """,
}

CLEAR: Final = {
    BounceClass.GREYLISTED: """
        {try later|later|wait} .. {seconds|minutes|mins|min}
        {wait|later} few {seconds|minutes}
        come back {later|after}
        come back .. {minutes|seconds|min}
        no complete .. callout
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
        {slower|slowly}
        number of posts
        too many attempts
        numerous attempts
        per {second|seconds|minute|hour|day}
        over .. {connection|connections}
        limit .. connection
        connection over
        no more .. recipient
        recipient per message
    """,
    BounceClass.BLOCKED: """
        blacklist
        banned
        {ip|client|network} {refused|is refused}
        {ip|client|network} .. {blocked|locked|no allowed}
        {ip|client} .. rejected
        {ip|client|network} .. {denied|listed|no accepted|forbidden|no welcome}
        {host|server} .. {blocked|locked|listed|no welcome}
        host {rejected|denied}
        {host|server} .. forbidden
        forbidden .. ip
        {blocked|rejected|denied|banned} .. ip
        {blocked|denied|banned} .. network
        no accept .. from .. {ip|network}
        connection .. from .. {blocked|denied|rejected|refused}
        no allowed {connect|connection|send message from}
        no accepting connections
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
        no smtp service .. {network|ip|host}
        access .. submit .. rejected
        access .. {message system|system} .. rejected
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
        no resolve & 5.7.1
    """,
}

HINT: Final = {
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
}
