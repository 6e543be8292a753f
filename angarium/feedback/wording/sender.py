"""What is said of the sender's address, its proofs and its rights. Pure. What SURE, CLEAR, HINT are: ``recipient``."""

from typing import Final

from angarium.feedback.classes import BounceClass

CERTAIN: Final = {
    BounceClass.AUTH_FAILURE: """
        dmarc
        {spf|dkim} {policy|failed|check}
    """,
    BounceClass.SENDER_REJECTED: """
        517 & domain no exist
        postmaster verification failed
        verification failed while checking
    """,
}

SURE: Final = {
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
        cxsndr
        no aligned
        {spf|dkim} .. no {aligned|authorized|allowed|verify}
        signature .. no {verify|valid|verified}
        no allowed sender .. {spf|dkim}
        publishes .. rejected
        message no aligned
    """,
    BounceClass.SENDER_REJECTED: """
        domain of sender .. {no exist|unknown|no found|no resolve|blocked}
        {sender domain|domain of sender address} .. {no exist|unknown|no found|no resolve|blocked}
        domain of sender .. {rejected|blacklist|banned|null mx|no mx|no valid}
        {sender domain|domain of sender address} .. {rejected|blacklist|banned|null mx|no mx|no valid}
        {domain of sender|sender domain} {invalid|resolve failed|lookup failed}
        from domain .. {no allowed|rejected|blocked|refused|must resolve}
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
        sender NO_SUCH
        {sender domain|envelope sender domain|domain of sender} must exist
        bad outbound sender
        cxsmtp
        unroutable sender
        sender unroutable
        backscatter
        outgoing .. {suspended|suspension}
        sender filter
        valid address filter
        returned message no accepted
        bounce no accepted
        sender no .. approved
        sender domain {empty|blank|missing}
        {empty|blank} {sender|envelope sender}
        {server|host|~} no accept message from @
        {server|host} no accept message from ~
        dead domain
        too many spam complaint
        no registered .. gateway
        sender .. malformed
        malformed sender
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
        {authentication|authenticated|login} .. no local
    """,
    BounceClass.SECURITY: """
        {requires|require} {authentication|authenticated|login|smtp authentication}
        {authentication|authenticated|login} {required|needed|necessary|first|mandatory}
        sender no {permitted|allowed|authorized} .. {list|group|members|recipient}
        unauthenticated {sender|users} no allowed
        {no subscribed|not subscribed} .. {group|listed|service}
        no subscribed
        closed {message listed|listed|group}
        {allowable|allowed} number of posts
        no member .. {members|listed}
    """,
}

CLEAR: Final = {
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
        {mx|aaaa|dns} .. message from
        no accept message from {@|domain|~}
        {@|address|sender} no {wanted|welcome}
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
        credentials
        {turn|enable|activate|use} .. {authentication|smtp authentication|smtp auth}
        access restricted
        access {denied|rejected|refused}
        log first
        login
        members only
        only members
    """,
    BounceClass.RELAY_DENIED: """
        no handle .. domain
        no relay
        no accept message ~
    """,
}

HINT: Final = {
    BounceClass.SECURITY: """
        no allowed
        {unauthorized|unauthorised}
        security {policy|reasons|issue|policies}
    """,
    BounceClass.RELAY_DENIED: """
        relay
    """,
    BounceClass.AUTH_FAILURE: """
        {spoof|spoofing|spoofed|impersonation|impersonating}
    """,
}
