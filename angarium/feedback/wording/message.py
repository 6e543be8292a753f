"""What is said of the message. Pure. What SURE, CLEAR, HINT are: ``recipient``."""

from typing import Final

from angarium.feedback.classes import BounceClass

SURE: Final = {
    BounceClass.POLICY: """
        {rejected|refused|blocked} by recipient {domain|server|system|organization|organisation|company|policy}
    """,
    BounceClass.SPAM: """
        {message|content|sender message} .. {looks|look|appears|classified|considered|identified} .. spam
        {message|content|sender message} .. {detected|flagged|marked} .. spam
        {message|content|sender message} .. {scored|recognized|judged|suspected} .. spam
        {classified|identified|detected|flagged|marked|scored|recognized} {as spam|spam}
        {considered|rejected|refused|blocked|discarded|looks like|appears to be|similar to} {as spam|spam}
        spam {message|messages|content|score|scoring|points|probability|detected|signature}
        spam {email|pattern|filter|mail|check|checks|no accepted|rejected|found|contents}
        {probability|suspicion|score|level} .. spam
        contains spam
        {message|mail} score .. over
        {likely|probably|possibly} {spam|unsolicited|suspicious}
        failed .. spam .. checks
        due to spam
        triggered .. spam
        bulk {message|mail|email}
        spam or virus
        spam policy
        looks suspicious
        {url|urls|link|links|uri} .. {blacklist|blacklisted|blocked|rejected|listed}
        {blacklisted|blocked|blacklist} {url|urls|link|links|uri}
        {behavior|behaviour} spam
        {url|urls|link|links|uri} .. {surbl|uribl|dbl}
        {policy|rule} .. no spam
        pattern detection
        mass {mailer|mailing}
        {uribl|surbl|dbl} policy
        spam profiler
        content judged
        judged .. spam
        considered .. spam
    """,
    BounceClass.VIRUS: """
        virus {found|detected|warning|scan|signature|rejected|alert|infection|name}
        {contains|contain|contained|found|detected} {virus|malware}
        {malware|infected|trojan} .. {found|detected|rejected|message|content}
        {illegal|forbidden|banned|prohibited|blocked} {attachment|attachments|file}
        {illegal|forbidden|banned|prohibited|blocked} {file type|filetype|extension|attachment type}
        {disallowed|dangerous|invalid|no allowed|executable|suspicious} {attachment|attachments|file}
        {disallowed|dangerous|invalid} {file type|filetype|extension|attachment type}
        {no allowed|executable|suspicious} {file type|filetype|extension|attachment type}
        {attachment|attachments|file type|file extension} .. {no allowed|forbidden|blocked|rejected}
        {attachment|attachments|file type|file extension} .. {prohibited|illegal|banned|no accepted|dangerous}
        banned {content|file|files|name|attachment}
        attachment {filter|filtering|policy|restrictions|count}
        content presents .. potential
        potential security {issue|threat|risk}
        {file|files|attachment|content} .. security {issue|threat|risk|reasons}
        message virus
    """,
    BounceClass.CONTENT_RFC: """
        {missing|no|multiple|duplicate|duplicated|invalid} .. {header|headers|header field|message id}
        {missing|no|multiple|duplicate|duplicated|invalid} .. {date header|from header}
        {missing|no|multiple|duplicate|duplicated|invalid} .. {subject header|message id header}
        {malformed|more than one|two|several|bad|no valid} .. {header|headers|header field|message id}
        {malformed|more than one|two|several|bad|no valid} .. {date header|from header}
        {malformed|more than one|two|several|bad|no valid} .. {subject header|message id header}
        {header|headers|from header} .. {missing|malformed|invalid|duplicate|no valid|syntax|no rfc}
        duplicate header .. {dkim|from|subject|date|message id}
        header {syntax|syntax error|violation|missing|invalid}
        multiple addresses .. from
        {no|violates|non} .. rfc {compliant|5322|2822|822|5321|2821|conform}
        rfc .. {violation|compliant|compliance|noncompliant|non compliant|conformant}
        headers too large
        no comply .. {standards|standard|rfc}
        line {terminator|terminators|ending|endings}
        invalid message {structure|format}
        invalid structure
        bare {lf|cr|linefeed|linefeeds|line feed|line feeds|newline|newlines|carriage return}
        line {too long|length|length exceeded|over length}
        lines .. too long
        {missing|no} {date|from|message id|subject} {header|field}
        rfc message non compliant
        raw non ascii .. header
        {lone|stray|naked} {cr|lf|linefeed|linefeeds|newline|newlines}
        smtplf
        no {conform|comply|compliant|conforming|follow} .. rfc
        rfc .. no {conform|comply|compliant|followed|respected}
        {line|lines} longer
        longer than 998
    """,
    BounceClass.MESSAGE_TOO_LARGE: """
        {message|content|mail|size|data|body|attachment} .. too {large|big|long}
        too {large|big} .. {message|recipient|server|organization}
        {message|header|fixed} {size|length} .. {exceeded|over|exceeds|limit|larger}
        {mail|content|attachment|body} {size|length} .. {exceeded|over|exceeds|limit|larger}
        {exceeds|over|exceed|larger|bigger} .. {message size|maximum size|size limit|fixed size}
        {exceeds|over|exceed|larger|bigger} .. {max size|maximum message size}
        {exceeds|over|exceed|larger|bigger} .. {fixed maximum message size|max message size|allowed size}
        {message|messages} larger
        message .. too many large
        {message|mail} .. {over|exceeds} .. {size|size limit|length limit}
        send size limit
        recip size limit
        size .. message too large
    """,
    BounceClass.CONTENT: """
        {bit|8bit} .. {data|characters|character|mime}
        conversion {required|failed|prohibited|no supported}
        media {no supported|unsupported}
        {forbidden|disallowed|bad|prohibited} {url|urls|link|links|uri}
        smtputf8 {required|no offered|no supported|needed}
        {unsupported|unknown} {charset|character set|encoding}
        {no ascii|nonascii|utf8|internationalized|eai} .. {address|addresses|recipient}
        {unsupported|no supported} content
        content type .. {no supported|unsupported}
    """,
}

CLEAR: Final = {
    BounceClass.SPAM: """
        spam
        content {rejected|denied|refused|reject|filter|filtering}
        {rejected|refused} .. {content filter|content filtering|due content|due to content}
        message scoring
        message scored
        system has detected that this message
        {mass|bulk} {mailing|mail}
        friend rule
        looks like .. {advertising|promotion}
        phishing
        message .. blocked .. filter
        message temporary blocked
        too many spam
    """,
    BounceClass.VIRUS: """
        virus
        malware
        attachment
        executable
    """,
    BounceClass.CONTENT: """
        {invalid|unacceptable|inappropriate|forbidden|banned} {content|word|words}
        {word|words|phrase} .. {blocked|banned|forbidden|detected|rejected}
        sensitive {word|words|content}
        html {tag|part|only|unacceptable|rejected|forbidden|no accepted}
        content .. {no acceptable|no accepted|forbidden|no allowed|unacceptable|prohibited|inappropriate}
        {charset|encoding|mime} .. {invalid|no allowed|unsupported|rejected|forbidden|failed}
        html message no accept
        unnecessary .. encoding
        mime complexity
        improperly formatted
        message .. attachments & recipient
    """,
    BounceClass.CONTENT_RFC: """
        {header|headers}
        message malformed
        no from address .. message
    """,
    BounceClass.MESSAGE_TOO_LARGE: """
        too large
        size limit
        {message|mail} size
        size .. over
        size exceeded
        {mb|kb|bytes|megabytes|kilobytes|octets} .. {over|limit}
        {over|limit} .. {mb|kb|bytes|megabytes|kilobytes|octets}
        too large
    """,
    BounceClass.POLICY: """
        {rejected|refused|violates|violation|prohibited|denied|blocked|against|due|reasons} .. policy
        {no accepted|forbidden|violated|breaks|restricted} .. policy
        {local|site|organization|company|administrative|security} .. policy
        policy .. {rejected|refused|violation|reasons|prohibited|denied}
        policy .. {blocked|violated|no accept|disallows|restriction|restrictions}
        security {reason|reasons|policy|policies}
        administrative {prohibition|forbidden|reasons|rejection|policy}
        {transport|message|mail|mailflow|delivery} {rules|rule}
        protocol violation
        anti spoofing policy
        {organization|company} .. rejected
        {prohibited|rejected} by {administrator|admin|rule}
        low priority
    """,
}

HINT: Final = {
    BounceClass.POLICY: """
        policy
        {message|messages|transaction|delivery|mail} .. {rejected|refused|denied}
        {rejected|refused|denied} {message|messages|by}
        no accepted
        rejected
        refused
    """,
    BounceClass.CONTENT: """
        content
    """,
}
