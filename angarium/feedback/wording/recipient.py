"""What is said of the recipient: phrases by class. Pure.

SURE: nothing else can be meant. CLEAR: the meaning of the words. HINT: it may be meant, where nothing says otherwise.
"""

from typing import Final

from angarium.feedback.classes import BounceClass

# Nothing that is said besides changes it
CERTAIN: Final = {
    BounceClass.HOST_UNKNOWN: """
        account domain no exist
    """,
    BounceClass.USER_UNKNOWN: """
        bad destination mailbox address
    """,
    BounceClass.DOMAIN_NO_MAIL: """
        521 & no accept network
        521 & no accept message
    """,
}

SURE: Final = {
    BounceClass.HOST_UNKNOWN: """
        domain {no exist|exist no|no found|unknown}
        no such domain
        domain recipient {exist no|no exist|no found|unknown}
        {no such|unknown} {recipient|destination} domain
        dns .. {no found|no records}
        dead domain
    """,
    BounceClass.USER_UNKNOWN: """
        no handle message {user|recipient}
        address no found .. unable
        inactive address & 5.1.1
        recipient address rejected & 5.4.1
        recipient .. no unique
        {badrcptto|bad recipient}
        {no|unknown} .. name directory
        no match {ldap|directory}
    """,
    BounceClass.MOVED: """
        {user|recipient|mailbox|account|address} moved
        {user|recipient|mailbox|account|address} .. moved
        user no local .. {try|forward}
        {user|recipient|mailbox|account|address|@} .. replaced by
        {recipient|user|address} changed {address|addresses|provider}
        address has changed
        {use|try} new {address|mailbox|account}
        moved to {new|other|another}
        no forwarding address
    """,
    BounceClass.MAILBOX_FULL: """
        {mailbox|inbox|user|account|recipient|@} .. full
        {mailbox|user|account|recipient|@} .. over quota
        {mailbox|user|account|recipient|@} .. quota {exceeded|limit exceeded|full|reached|exhausted}
        {mailbox|user|account|recipient} .. {out of space|no space|space full}
        {exceed|over} {mailbox|user|recipient|account} {quota|limit|size|space}
        {mailbox|user|account|recipient} {size|storage|disk|space|space quota} limit .. {exceed|over|reached}
        {mailbox|user|account|recipient} .. over .. {storage|space} {limit|quota|allocation}
        {mailbox|user|account|recipient} over .. {space|disk|size limit|allowed size}
        {user|mailbox|account|recipient} .. too many messages on server
        full mailbox
        too many messages .. mailbox
        over .. {mailbox size|mailbox limit}
        {user|mailbox|account|recipient} .. no enough
        over .. {allowed number|message count|number messages}
        larger .. space
        out quota
        no space .. {user|mailbox|account}
        no able receive .. more
        {user|mailbox|account} too many messages server
        {mailbox|user|account|recipient} .. {space no enough|no enough space}
        no enough .. space .. {mailbox|user|recipient}
        quota full
        no create user output file
        over storage allocation
        {recipient|user|mailbox|inbox} .. storage space
        {user|mailbox} .. over allowed space
        over .. space of {user|mailbox}
        mailbox .. message file too large
        over receiving limit
        {user|mailbox|account} no .. enough space
        too many mail data
        too many message data
        {mailbox|inbox|user} limit size
        {mailbox|inbox|user|recipient} .. no take more
        quota used
        number message .. {mailbox|user} .. over
    """,
    BounceClass.MAILBOX_DISABLED: """
        {account|mailbox|recipient|user|address} .. {disabled|suspended|locked|frozen|inactive}
        {account|mailbox|user} .. {closed|expired}
        {disabled|suspended|inactive|frozen} {account|mailbox|recipient|user|address}
        {mailbox|account|user} {blocked|currently blocked|temporary blocked|is blocked}
        {account|mailbox|user|recipient|address} no longer {active|accept|enabled|in service}
        {account|mailbox|user|recipient} no {active|enabled|activated}
        {blocked|locked} {mailbox|account}
        {mailbox|account|user|address} no accept {message|messages|mail}
        recipient suspend service
        {account|mailbox|user} .. suspended
    """,
    BounceClass.FILTERED: """
        {rejected|blocked|refused|declined|no accepted} by {user|recipient|mailbox owner|owner|account holder}
        {rejected|blocked|refused} .. by recipient
        recipient .. {chosen|chose|prefers|wants|want|wishes} .. no
        {user|recipient} refused .. {receive|message|messages}
        {user|recipient} only accept
        envelope blocked user
        recipient no {want|wish}
        {personal|private|recipient|user} {filter|filters|blacklist|block list|preferences}
        {recipient|user} blocked {sender|messages from}
        {@|recipient|user} no accept {message|messages} from
        {refused|rejected} by {sieve|sieve filter|filter rule}
        {sieve|user filter} .. {refused|rejected}
        recipient has {blocked|locked} {address|sender}
        recipient address blocked by recipient
        {account|user|mailbox|recipient|address} .. protected by
        restricted message
        user rules
        {recipient|user} .. refuse {receive|message}
        refuse receive message
        user rejected
        {user|recipient|@} accept message only
        {user|recipient|mailbox} own {filter|settings|rules|spam}
        recipient .. no {want|wish}
        rule imposed
        only message .. accept
    """,
    BounceClass.DOMAIN_NO_MAIL: """
        {domain|recipient domain} no longer {accept|receive|accepting|receives|receiving} message
        no message exchanger {configured|found|defined|~|domain|host}
    """,
}

CLEAR: Final = {
    BounceClass.USER_UNKNOWN: """
        WHO .. NO_SUCH
        WHO NO_SUCH
        NO_SUCH WHO
        no such {user|mailbox|account|recipient|address|alias|person|@|local user|member|name|mail drop}
        542 & @ rejected
        no one .. address
        no handle .. {user|recipient|mailbox}
        no found .. {ldap|directory|database}
        {no present|no exist|no entry|no listed} .. directory
        directory .. no exist
        no like recipient
        no .. valid notes
        no known site
        no such id
        mailbox unavailable or access
        {user|recipient|mailbox} no verified
        WHO no {member|present|ok|system|in our system|local|served}
        no {account|alias}
        no longer {user|staff|on staff|customer}
        no address registered
        unknown .. table
        WHO .. no registered
        no registered {user|address|account|mailbox}
        no {local user|local mailbox|local recipient|local address}
        no mailbox
        no user
        no longer {exist|employed|with company|at this company|works}
        WHO no longer {exist|valid|available|in use|on server}
        WHO no longer {on system|in system|at this site|employed|known|found}
        {user|employee|recipient|person} .. {left|departed} .. {company|organization|organisation|firm}
        WHO no {valid|listed|in directory|in our records|registered|known}
        no {valid|known|registered} {user|recipient|mailbox|account|address|member|name}
        user no .. {account|mailbox}
        no .. account ~
        {account|mailbox|user|address|recipient} .. deleted
        unknown or {illegal|invalid} {alias|user|address|mailbox}
        unknown local {part|user|recipient}
        {undeliverable|unroutable} {address|recipient}
        {address|recipient} .. {undeliverable|unroutable}
        user name {unknown|no found}
        bad destination {mailbox|mailbox address|address}
        {recipient|user|mailbox|address} {verification|callout verification} failed
        WHO no recognized
        name no {known|found|valid}
        no record .. {user|mailbox|account|recipient|address}
        no such local
        {user|mailbox|recipient|account|address} .. no in {our|local} {system|database|records}
        no accept user
        {no active|inactive} address .. {host|server}
        no exist .. person
        no .. user existe
        {account|mailbox|user} unavailable .. forgery
        no message address
        unknown virtual user
        invalid or unknown
        {user|mailbox|account} missing .. home
        no matches
        {@|user|recipient} no .. name directory
        no {directory|ldap}
        no recipient @
        no {recipient|user|mailbox|address|account} records
        WHO no use
        no match .. {ldap|directory|database|user|recipient}
        no known .. {called|named|by that name}
        callout verification failed
    """,
    BounceClass.HOST_UNKNOWN: """
        {domain|host|server|system|zone} .. {no exist|exist no|no found|no existing|no such}
        domain .. {no reachable|unreachable}
        {domain|host} {unknown|invalid|no known|no valid|no resolve}
        {unknown|invalid|no such|nonexistent|nonexisting|unresolvable} {domain|host|server}
        no find .. host named
        no find any {host|domain}
        name service .. no found
        name or service no known
        nxdomain
        unroutable {message domain|domain|host}
        {recipient|destination} domain NO_SUCH
        recipient .. no exist domain
        dns .. no exist
        ~ no exist
        bad destination system
        unable route .. domain
        dns .. {no such domain|no such host}
        no resolve .. {domain|host}
    """,
    BounceClass.DOMAIN_NO_MAIL: """
        {host|domain|mx|mx record|mx records} no address
        no {host|hosts} domain
        no server .. domain
        unable route .. no host
        null mx
        nullmx
        accept no message
        {domain|host|server|~} no accept {message|any message}
        domain no .. mx
        no mx
        no mx {record|records|host|entry}
        no find .. message exchanger
        no message exchanger
        {record|mx|srv|dns} indicated no smtp service
        domain .. no {receive|handle|support} {message|smtp}
        {no receive|no accept} message .. domain
        domain .. {no mail server|no mx}
        no capable .. {receive|receiving}
    """,
    BounceClass.MAILBOX_FULL: """
        over quota
        quota {exceeded|over|violation|violated|exceded|exhausted|reached|limit exceeded|full}
        {storage|space|disk space|diskspace} {quota|limit|allocation} {exceeded|over|reached}
        over .. {storage|space} {limit|allocation}
        disk quota
        over .. quota
        over .. {space|storage}
        space .. used up
        {user|recipient|mailbox} over
        mailbox .. limit
    """,
    BounceClass.MAILBOX_DISABLED: """
        {mailbox|account|user|recipient|address|@} {disabled|suspended|locked|inactive|frozen|deactivated}
        {mailbox|account} .. restricted
        {receiving|reception} disabled
        {mailbox|account|user|recipient} temporary unavailable
        recipient account unavailable
        mailbox unavailable & 450
        log in to enable
        unavailable to take delivery
        no .. activity
        inactive {user|account|mailbox}
        no accept messages {mailbox|account|recipient}
        no longer accept {message|messages}
        temporary {locked|suspended|disabled}
    """,
    BounceClass.FILTERED: """
        {whitelist|safelist|allow list|approved senders} .. {recipient|user}
        {recipient|user|@} no accept message
        recipient rejected message .. {rule|rules|filter|own}
    """,
    BounceClass.MOVED: """
        no longer {use|uses|using|used} .. {address|mailbox|account}
        {no longer|left|closed} & {use|contact|write} .. @ instead
        {contact|use} .. new address
        new {address|mailbox|account}
    """,
}

HINT: Final = {
    BounceClass.USER_UNKNOWN: """
        {recipient|user|rcpt} {address rejected|rejected|refused|no accepted|no allowed|denied}
        {recipient|address|user|mailbox} .. rejected
        address {rejected|refused}
        {mailbox|account} {unavailable|no available|name no allowed|access denied}
        incorrectly addressed
        / no exist
        {unavailable|no available} {mailbox|user|recipient}
        user no local
        recipient unavailable
        unroutable
        no deliver message @ & 550
    """,
    BounceClass.MOVED: """
        551 & no our customer
        551 & no user
        {recipient|user} .. forwarded
    """,
    BounceClass.FILTERED: """
        challenge response
        {rejected|refused|blocked} .. {filter|filters|filtered}
        {message|sender} filtered
    """,
    BounceClass.MAILBOX_DISABLED: """
        suspended
        temporary unavailable mailbox
        disabled
        inactive
        no receive {message|messages}
    """,
}
