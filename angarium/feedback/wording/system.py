"""What is said of systems, ways and programs: theirs and ours. Pure. What SURE, CLEAR, HINT are: ``recipient``."""

from typing import Final

from angarium.feedback.classes import BounceClass

CERTAIN: Final = {
    # DNS had no answer for now: whoever reads "not found" there loses a recipient
    BounceClass.NETWORK_ERROR: """
        {host|domain} no found .. later
        {host|domain} {no found|unknown|no exist} later
        name service .. later
        {host|domain|dns} .. temporary .. lookup
    """,
    BounceClass.PROTOCOL_ERROR: """
        protocol error
    """,
    BounceClass.SUPPRESSED: """
        suppression list
        address .. suppressed
        suppressed {sending|address|recipient|by|due}
        previously {bounced|hard bounced|unsubscribed}
        previous {hard bounce|bounce}
        {globally|locally} suppressed
        {recipient|user|address|@} .. {unsubscribed|opted out}
        no {send|sender|message|contact} listed
    """,
}

SURE: Final = {
    BounceClass.TLS_FAILURE: """
        {must|need|required|issue|requires|require|without|no|unable|failed|no start} .. tls
        tls .. {required|failed|no available|handshake|no offered|no supported|unavailable}
        tls .. {must|needed|connection|mandatory|negotiation|no trusted|error}
        certificate .. {failed|no trusted|invalid|expired|verify}
        certificate .. {verification|untrusted|no match|no verify|validation|mismatch}
        {verify|validation|untrusted|invalid|no trusted} .. certificate
        {mta sts|dane|tlsa|mta-sts} .. {failed|required|policy|requires|validation|no match}
        handshake {failed|failure|error}
        {high strength|weak|strong} ciphers
        ciphers
        tls version
        tls {refused|rejected}
    """,
    BounceClass.EXPIRED: """
        {message|delivery|delivery time|queue|retry time|mail|lifetime} .. expired
        expired .. {message|delivery|queue}
        queue .. too long
        message .. queue .. {hours|days|too long}
        {retry|later} timeout .. {exceeded|over|reached}
        {over|exceeded} .. {max|time} without delivery
        still {undelivered|no delivered}
        delayed .. retried
        {try|trying|retried|continue} .. {until|days|hours}
        no going to try
        no yet .. delivered
        gave up
        {message|mail} too old
        {time to live|ttl exceeded}
        {over|exceed} .. expiry time
        {delivery time|retry limit} .. {expired|exceeded|over|reached}
        {max retries|maximum retries|max attempts} .. {expired|exceeded|over|reached}
        no deliver .. {days|hours}
        message .. no {collected|delivered} .. {days|hours}
        {days|hours} .. no {deliver|delivered}
        no find .. gateway
        failed {deliver|delivery} .. after
        {giving|gave|give} up
        no {collected|delivered} after
        no reachable .. {within|queue period|allowed}
        queue period
        after {tries|attempts}
        connection timeout & uncoded
        no accept & request & connection & timeout & uncoded
        {time|limit} .. queue .. over
        over .. {time|limit} .. queue
        no delivered .. {hours|days}
        no delivered within
    """,
    BounceClass.NETWORK_ERROR: """
        {no found|no resolve|unknown host} later
        too many hops
        {hop count|maximum hop|max hop|hops} .. {exceeded|over}
        hop count
        {mail|message|routing|forwarding|delivery|dns|mx} loop
        loops back
        points back
        host lookup failed
        name resolution
        no look up host
        no accept .. {request|requests} .. connection
        too many connection {failures|errors}
        connection {timeout|reset|lost|closed|dropped}
        connection {died|aborted|broken|interrupted|reset by peer|unexpectedly closed}
        {lost|broken|dropped|interrupted} .. connection
        {closed|unable establish|no establish|no make|failed establish} .. connection
        {conversation|session|read|write|greeting|banner|command} .. timeout
        no {route|answer|reply|response} .. {host|greeting|time|server}
        no route
        retry time no reached
        {recursion|recursive}
        forwarded .. {too many times|maximum allowed times}
        all hosts .. {failed|failing}
        no possible .. connection
        network {unreachable|no reachable|down|error|is unreachable}
        {host|server} .. {unreachable|no reachable|no responding|no respond|down|offline}
        all hosts .. timeout
        temporary dns {lookup|failure|error|lookup failed}
        dns {query|lookup|server|timeout|resolution|resolver} {failed|timeout|error}
        dns {query|lookup|server|timeout|resolution|resolver} {problem|temporary|no answer|servfail}
        {cname|mx|aaaa|dns} lookup {failed|timeout} temporary
        {servfail|dns timeout|dns temporary}
        {unable|failed|no|cannot} {connect|connection|reach} {host|server|remote|~|ip}
        {socket error|broken pipe|i/o timeout|io timeout|end of file|dialing|premature eof|unexpected eof}
        {unable|failed} connection .. {host|hosts|candidate}
        {unable|no|failed} resolve route
        {name server|dns} reply
        malformed {dns|name server}
        no mx host .. {reached|reachable|respond|responding|answer|answered}
        {host|server|mx} .. no reached
        connection {ip|~|host} {refused|failed|timeout}
        {socket|session} closed
        unreachable too large
        mx .. points local
    """,
    BounceClass.SYSTEM_FULL: """
        {insufficient|no enough|not enough} {disk|system|server|storage} {space|storage|resources|memory}
        {no|out of|low} {disk|system|server|storage} {space|storage|resources|memory}
        {insufficient|no enough|not enough} {disk space|system storage} {space|storage|resources|memory}
        {no|out of|low} {disk space|system storage} {space|storage|resources|memory}
        {insufficient|no enough|not enough} system resources {space|storage|resources|memory}
        {insufficient|no enough|not enough} {free disk|disk storage} {space|storage|resources|memory}
        {no|out of|low} {system resources|free disk|disk storage} {space|storage|resources|memory}
        insufficient {disk|storage|system storage|system resources|system|space|resources|queue space}
        {disk|filesystem|file system|system|spool|queue|mail system} full
        no space left
        space over .. device
        {no|low} .. disk space
        disk space .. {low|exhausted|insufficient}
        out of disk
        out of memory
        {server|host|system} {out of|no|low} {memory|disk|disk space|space|storage}
    """,
    BounceClass.MAILER_ERROR: """
        x unix
        {command|child process|process|program|script} .. {died|exited|returned|exit|status}
        {pipe|mailer|procmail|maildrop|agent} .. {died|exited|returned|exit|status}
        unknown mailer error
        pipe .. generated
        no open mailbox
        {procmail|maildrop}
        exited with status
        no create output
        delivery agent
        {local delivery|local mailer|filter program} failed
        bad exit status
        text .. generated during .. delivery attempt
        {command|program|script|process|agent} .. {crashed|signal|killed|aborted}
    """,
    BounceClass.PROTOCOL_ERROR: """
        {command|parameter|parameters|argument} .. {unrecognized|unknown}
        {command|parameter|parameters|argument} .. {no recognized|no implemented|unsupported}
        {arguments|option|verb|syntax} .. {unrecognized|unknown|no recognized|no implemented|unsupported}
        {command|parameter|parameters|argument} .. {unimplemented|error|invalid}
        {command|parameter|parameters|argument} .. {no supported|no understood|unexpected}
        {arguments|option|verb|syntax} .. {unimplemented|error|invalid|no supported|no understood|unexpected}
        {unrecognized|unknown|invalid|unsupported|bad|no such} {command|parameter|parameters}
        {unrecognized|unknown|invalid|unsupported|bad|no such} {argument|arguments|option|sequence}
        bad sequence
        smtp protocol violation
        invalid address & 501
        {badly|incorrectly|poorly} formatted {address|recipient}
        invalid local part
        command {sequence|out of sequence}
        syntax {error|failed} .. {parameters|arguments|command|address|parameter}
        {need|needs|expected} {rcpt|mail|helo|data|ehlo}
        {rcpt|mail|helo} first
        {bad|invalid|malformed|illegal} .. address {syntax|format}
        {address|recipient} .. {syntax|badly formatted}
        {helo|ehlo} .. {requires|required|first}
        {unrecognized|unsupported|unknown} authentication {type|mechanism}
        no valid recipients & 5.5.1
        {synchronization|synchronisation} failed
        malformed {address|recipient|@}
        {address|recipient} malformed
        {invalid|malformed} local
    """,
    BounceClass.SYSTEM_ERROR: """
        local error
        {internal|system|server|database|software|processing} {error|failure|problem|fault}
        {configuration|configured} .. {error|incorrectly|problem|failed|wrong|incorrect}
        {local|server|system} configuration
        queue file
        no process connection
        {error|failed} processing
        technical difficulties
        temporary {system|server|local|lookup|internal|domain} {problem|failure|error|failed|lookup failure}
        {shutting|going|shut} down
        {lookup|ldap|database|db|sql|mysql|backend} {failed|error|unavailable|timeout|down}
        no accepting network messages
        no accept network messages
        {system|server|resources|resource|service} .. {busy|overloaded|load|too high}
        resources .. {unavailable|insufficient}
        multiple destination domains
        under maintenance
        {out of|no} order
        storage error
        no load
        too many load
        queue {too long|too large|full}
        load {too high|average}
        i/o error
        forwarding loop broken
        interrupted system call
        {encountered|while} .. processed
        no mdb
        {mail|message} system misconfigured
        {scanner|milter|backend|virus|antivirus} .. {no reachable|unreachable|unavailable|down}
        {scanner|milter|backend} .. {timeout|failed}
        {ldap|database|sql|backend|directory} .. {unreachable|no reachable|no contact|no respond|no responding}
    """,
}

CLEAR: Final = {
    BounceClass.NETWORK_ERROR: """
        timeout
        unreachable
        connection failed
        connection refused
        connection error
        name service error
        loop
        dns {error|failed}
        reset by peer
        eof
        {unable|failed|no} connection
        all failed
    """,
    BounceClass.TLS_FAILURE: """
        tls
        certificate
        tls version
    """,
    BounceClass.SYSTEM_ERROR: """
        temporary rejected
        temporary {error|failed|failure|problem}
        {service|server|system} {temporary|currently|temporarily} {unavailable|no available}
        busy
        {try|come} .. later .. error
        {system|server} {unavailable|no available|down|maintenance}
        local {problem|failure}
        {no|unable} create .. locked
    """,
    BounceClass.EXPIRED: """
        expired
        delayed
        {undelivered|undeliverable} .. {days|hours}
    """,
    BounceClass.PROTOCOL_ERROR: """
        syntax
        {unsupported|no implemented}
        command
    """,
}

HINT: Final = {
    BounceClass.SYSTEM_ERROR: """
        {service|resource|resources} {unavailable|no available}
        service no available .. closing
        temporary
        try later
        later
    """,
    BounceClass.NETWORK_ERROR: """
        connection
        dns
        network
    """,
    BounceClass.MAILER_ERROR: """
        mailer
    """,
    BounceClass.TLS_FAILURE: """
        handshake
    """,
}
