"""Our own mails, each with what is to be found of it: all, and nothing else."""

import io
import zipfile
from typing import Any

import msgspec

from angarium.content.checking.mail import DomainFacts, Facts, File, Mail, Person
from angarium.content.checking.rule import Broken

NOW_S = 1_800_000_000
SHOP = Person(name="Shop", local_part="news", domain="shop.example")
WORDS = (
    "Your order has left our warehouse today and should reach you within three working days. "
    "You will find the invoice in your account, and our people are glad to help you by telephone."
)
GOOD_HTML = (
    f'<html><body><p>{WORDS}</p><p><a href="https://shop.example/orders/7">See your order</a></p>'
    '<img src="https://shop.example/logo.png" alt="Shop" width="120" height="40"></body></html>'
)
GOOD = Mail(
    authors=(SHOP,),
    subject="Your order is on its way",
    text=WORDS,
    html=GOOD_HTML,
    shown_recipients=1,
)
FOOTER = '<p>Shop Ltd, 12 High Street, Springfield 12345</p><p><a href="https://shop.example/u/9">Unsubscribe</a></p>'
BULK = msgspec.structs.replace(
    GOOD,
    html=GOOD_HTML.replace(
        "<body>", '<body><div style="display:none">What is new in autumn</div>'
    ).replace("</body>", f"{FOOTER}</body>"),
    fields=(
        ("List-Unsubscribe", "<https://shop.example/u/9>, <mailto:leave@shop.example>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    ),
)
KNOWN = DomainFacts(
    name="shop.example", dkim="right", spf="right", spf_domain="shop.example", dmarc="right"
)
PLAIN = Facts(now_s=NOW_S, domain=KNOWN)
MASS = Facts(now_s=NOW_S, domain=KNOWN, is_bulk=True)


def but(**changed: Any) -> Mail:
    return msgspec.structs.replace(GOOD, **changed)


def bulk(**changed: Any) -> Mail:
    return msgspec.structs.replace(BULK, **changed)


def with_html(more: str) -> Mail:
    return but(html=GOOD_HTML.replace("</body>", f"{more}</body>"))


def link(href: str, text: str = "Look") -> Mail:
    return with_html(f'<a href="{href}">{text}</a>')


def subject(text: str) -> Mail:
    return but(subject=text)


def author(**of: Any) -> Mail:
    return but(authors=(msgspec.structs.replace(SHOP, **of),))


def files(*given: File) -> Mail:
    return but(files=given)


def known(**of: Any) -> Facts:
    return Facts(now_s=NOW_S, domain=msgspec.structs.replace(KNOWN, **of))


def archive(name: str, *, encrypted: bool = False) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        made.writestr(name, b"x")
    octets = file.getvalue()
    if encrypted:  # the flag in the list at its end
        at = octets.index(b"PK\x01\x02") + 8
        octets = octets[:at] + b"\x01" + octets[at + 1 :]
    return octets


PICTURE = '<img src="https://shop.example/a.png" alt="A hat" width="100">'
AMP = (
    "<!doctype html><html \u26a14email><head><script async src='https://cdn.ampproject.org/v0.js'></script>"
    "<style amp4email-boilerplate>body{visibility:hidden}</style></head><body>Hello</body></html>"
)

# What it is, the mail, what is known besides, the codes
CORPUS: tuple[tuple[str, Mail, Facts, tuple[str, ...]], ...] = (
    ("a receipt", GOOD, PLAIN, ()),
    ("a newsletter", BULK, MASS, ()),
    ("plain text", but(html=None), PLAIN, ()),
    (
        "plain text in bulk",
        bulk(html=None, text=f"{WORDS}\n\nLeave: https://shop.example/u/9\nPO Box 7, 12345 X"),
        MASS,
        (),
    ),
    (
        "Japanese",
        but(subject="ご注文の発送", html=None, text="本日、ご注文の品を発送しました。"),
        PLAIN,
        (),
    ),
    (
        "Arabic with a joiner",
        but(
            html=None, text="می\u200cخواهم می\u200cخواهم می\u200cخواهم می\u200cخواهم می\u200cخواهم"
        ),
        PLAIN,
        (),
    ),
    ("one emoji", subject("Your order is here \U0001f381"), PLAIN, ()),
    ("an answer", but(subject="Re: my order", fields=(("In-Reply-To", "<a@b>"),)), PLAIN, ()),
    (
        "code in a mail for programmers",
        with_html("<pre>{{ name }} and {% if x %}</pre>"),
        PLAIN,
        (),
    ),
    (
        "a picture that only adorns",
        with_html('<img src="https://shop.example/x.gif" alt="" width="600">'),
        PLAIN,
        (),
    ),
    (
        "a tracking pixel",
        with_html('<img src="https://shop.example/o" width="1" height="1">'),
        PLAIN,
        (),
    ),
    (
        "a link that shows where it leads",
        link("https://www.shop.example/a", "shop.example"),
        PLAIN,
        (),
    ),
    ("its clicks are counted", link("https://click.shop.example/a", "partner.test"), PLAIN, ()),
    (
        "mail and telephone",
        with_html('<a href="mailto:a@b.test">M</a><a href="tel:+123">T</a><a href="#top">Up</a>'),
        PLAIN,
        (),
    ),
    ("structured data", with_html('<script type="application/ld+json">{}</script>'), PLAIN, ()),
    (
        "conditional comments",
        with_html("<!--[if mso]><iframe src=x></iframe>{{ x }}<![endif]-->"),
        PLAIN,
        (),
    ),
    ("AMP beside HTML", but(amp=AMP), PLAIN, ()),
    (
        "a PDF",
        files(File(filename="a.pdf", content_type="application/pdf", content=b"%PDF-1.7")),
        PLAIN,
        (),
    ),
    (
        "a picture inside",
        but(
            html=GOOD_HTML.replace("https://shop.example/logo.png", "cid:logo"),
            files=(File(filename="l.png", content_id="logo", content=b"\x89PNG"),),
        ),
        PLAIN,
        (),
    ),
    # Sender
    ("no author", but(authors=()), PLAIN, ("from_missing",)),
    (
        "two authors",
        but(authors=(SHOP, Person(name="B", local_part="b", domain="b.example"))),
        PLAIN,
        ("from_several",),
    ),
    ("as Gmail", author(domain="gmail.com"), PLAIN, ("from_free_mail",)),
    ("no name", author(name=""), PLAIN, ("from_name_missing",)),
    ("as a bank", author(name="service@bank.example"), PLAIN, ("from_name_deceives",)),
    ("nobody answers", author(local_part="no-reply"), PLAIN, ("from_no_reply",)),
    (
        "answers go to Gmail",
        but(reply_to=(Person(local_part="a", domain="gmail.com"),)),
        PLAIN,
        ("reply_to_free_mail",),
    ),
    ("a list of people", but(shown_recipients=30), PLAIN, ("recipients_shown",)),
    ("two of a mailing", bulk(shown_recipients=2), MASS, ("recipients_shown",)),
    # Authentication
    ("another's domain", GOOD, known(is_verified=False), ("domain_not_verified",)),
    ("unsigned", GOOD, known(is_signed=False), ("dkim_missing",)),
    ("no DKIM record", GOOD, known(dkim="wrong"), ("dkim_wrong",)),
    ("no SPF record", GOOD, known(spf="wrong"), ("spf_wrong",)),
    ("no DMARC record", GOOD, known(dmarc="wrong"), ("dmarc_missing",)),
    ("nobody has looked", GOOD, known(spf="unknown"), ("authentication_unknown",)),
    # Subject and preheader
    ("no subject", subject(" "), PLAIN, ("subject_missing",)),
    ("a long subject", subject("word " * 20), PLAIN, ("subject_long",)),
    ("shouting", subject("EVERYTHING MUST GO"), PLAIN, ("subject_capitals",)),
    ("exclaiming", subject("Look at this!!"), PLAIN, ("subject_punctuation",)),
    ("emoji", subject("\U0001f389\U0001f381\U0001f380 Party"), PLAIN, ("subject_emoji",)),
    ("spaced", subject("Buy v i a g r a now"), PLAIN, ("subject_spaced",)),
    ("no answer", subject("RE: your order"), PLAIN, ("subject_false_reply",)),
    (
        "no preheader",
        bulk(html=GOOD_HTML.replace("</body>", f"{FOOTER}</body>")),
        MASS,
        ("preheader_missing",),
    ),
    ("a long preheader", but(preheader="word " * 40), PLAIN, ("preheader_long",)),
    (
        "twice the same",
        but(preheader="Your order is on its way!"),
        PLAIN,
        ("preheader_repeats_subject",),
    ),
    # How to leave
    ("no header", bulk(fields=()), MASS, ("unsubscribe_header_missing",)),
    (
        "a bare address",
        bulk(fields=(("List-Unsubscribe", "https://shop.example/u"),)),
        MASS,
        ("unsubscribe_header_wrong",),
    ),
    (
        "by mail alone",
        bulk(fields=(("List-Unsubscribe", "<mailto:a@shop.example>"),)),
        MASS,
        ("unsubscribe_not_https",),
    ),
    ("no one click", bulk(fields=BULK.fields[:1]), MASS, ("unsubscribe_post_missing",)),
    (
        "no link",
        bulk(html=(BULK.html or "").replace("Unsubscribe", "Bye").replace("/u/9", "/x")),
        MASS,
        ("unsubscribe_link_missing",),
    ),
    (
        "no address",
        bulk(html=(BULK.html or "").replace("12 High Street, Springfield 12345", "")),
        MASS,
        ("postal_address_missing",),
    ),
    # Words
    ("mustaches", with_html("<p>Dear {{ first_name }}</p>"), PLAIN, ("variable_left",)),
    ("Mailgun's", subject("Hello %recipient.name%"), PLAIN, ("variable_left",)),
    (
        "Mailchimp's, in a link",
        link("https://shop.example/?n=*|FNAME|*"),
        PLAIN,
        ("variable_left",),
    ),
    ("a hand-made one", but(text=f"Dear [First Name], {WORDS}"), PLAIN, ("variable_left",)),
    ("an empty one", but(text=f"Hello , {WORDS}"), PLAIN, ("variable_empty",)),
    ("undefined", with_html("<p>HI undefined</p>"), PLAIN, ("variable_empty",)),
    ("filler", with_html("<p>Lorem ipsum dolor</p>"), PLAIN, ("filler_text",)),
    ("no text", but(text=None), PLAIN, ("text_missing",)),
    ("another text", but(text="Buy " * 50), PLAIN, ("text_differs",)),
    ("HTML as text", but(html=None, text="<html><p>Hello"), PLAIN, ("text_is_html",)),
    ("nothing", but(html=None, text=" \n"), PLAIN, ("body_empty",)),
    ("no body", but(html=None, text=None), PLAIN, ("body_empty",)),
    ("hidden in words", subject("Vi\u200bag\u200bra"), PLAIN, ("invisible_characters",)),
    ("turned", files(File(filename="a\u202egpj.pdf", content=b"%PDF")), PLAIN, ("turned_text",)),
    ("garbled", subject("F\u00c3\u00bcr Sie"), PLAIN, ("garbled_text",)),
    (
        "phrases",
        with_html("<p>ACT NOW: Risk-Free, make money, lose weight</p>"),
        PLAIN,
        ("spam_phrases",),
    ),
    # Links
    ("a broken link", link("http:/shop.example"), PLAIN, ("link_broken",)),
    ("blanks in a host", link("https://shop example/"), PLAIN, ("link_broken",)),
    ("a path", link("/orders"), PLAIN, ("link_relative",)),
    ("an empty link", link("#"), PLAIN, ("link_empty",)),
    ("a script", link("JavaScript:go()"), PLAIN, ("link_script",)),
    ("a script in disguise", link("java&#10;script:go()"), PLAIN, ("link_script",)),
    ("data", link("data:text/html,x"), PLAIN, ("link_data",)),
    ("without TLS", link("http://shop.example/"), PLAIN, ("link_insecure",)),
    ("without TLS, in text", but(text=f"{WORDS} http://shop.example/."), PLAIN, ("link_insecure",)),
    ("an address", link("https://8.8.8.8/a"), PLAIN, ("link_ip_host",)),
    ("an address in disguise", link("https://0x8080808/a"), PLAIN, ("link_ip_host",)),
    ("a host at home", link("https://localhost:8080/"), PLAIN, ("link_local",)),
    ("an address at home", link("https://192.168.1.1/"), PLAIN, ("link_local",)),
    ("a user", link("https://bank.example@evil.example/"), PLAIN, ("link_with_user",)),
    ("a shortener", link("https://bit.ly/x"), PLAIN, ("link_shortened",)),
    (
        "phishing",
        link("https://evil.example/", "https://www.bank.example/login"),
        PLAIN,
        ("link_deceives",),
    ),
    ("a long link", link("https://shop.example/?" + "a" * 2000), PLAIN, ("link_long",)),
    ("a coded host", link("https://xn--pple-43d.example/"), PLAIN, ("link_coded_host",)),
    (
        "many links",
        with_html('<a href="https://shop.example/">a</a>' * 100),
        PLAIN,
        ("links_many",),
    ),
    # Pictures
    (
        "no alt",
        with_html('<img src="https://shop.example/a.png" width="9">'),
        PLAIN,
        ("picture_without_alt",),
    ),
    (
        "a link without words",
        with_html(
            '<a href="https://shop.example/"><img src="https://shop.example/a.png" alt="" width="9"></a>'
        ),
        PLAIN,
        ("picture_link_without_alt",),
    ),
    (
        "no size",
        with_html('<img src="https://shop.example/a.png" alt="A">'),
        PLAIN,
        ("picture_without_size",),
    ),
    (
        "a picture without TLS",
        with_html(PICTURE.replace("https", "http")),
        PLAIN,
        ("picture_insecure",),
    ),
    (
        "a picture on disk",
        with_html(PICTURE.replace("https://shop.example/", "images/")),
        PLAIN,
        ("picture_broken",),
    ),
    (
        "a picture that is not there",
        with_html(PICTURE.replace("https://shop.example/", "cid:")),
        PLAIN,
        ("picture_not_attached",),
    ),
    (
        "a picture in its address",
        with_html(PICTURE.replace("https://shop.example/a.png", "data:image/png;base64,AA")),
        PLAIN,
        ("picture_in_address",),
    ),
    ("an SVG", with_html(PICTURE.replace("png", "svg")), PLAIN, ("picture_svg",)),
    ("pictures alone", but(html=f"<p>Hi</p>{PICTURE}"), PLAIN, ("pictures_only",)),
    ("many pictures", with_html(PICTURE * 9), PLAIN, ("pictures_outweigh_text",)),
    # HTML
    ("a program", with_html("<script>go()</script>"), PLAIN, ("html_script",)),
    ("a handler", with_html('<p onclick="go()">x</p>'), PLAIN, ("html_handler",)),
    ("a frame", with_html('<iframe src="https://shop.example/"></iframe>'), PLAIN, ("html_frame",)),
    ("an object", with_html('<embed src="https://shop.example/">'), PLAIN, ("html_object",)),
    (
        "it goes on elsewhere",
        with_html('<meta http-equiv="refresh" content="0;url=x">'),
        PLAIN,
        ("html_refresh",),
    ),
    (
        "a form",
        with_html('<form action="https://shop.example/"><input name="a"></form>'),
        PLAIN,
        ("html_form",),
    ),
    ("a password", with_html('<input type="password">'), PLAIN, ("html_password", "html_form")),
    (
        "a style sheet",
        with_html('<link rel="stylesheet" href="https://shop.example/a.css">'),
        PLAIN,
        ("html_style_sheet",),
    ),
    ("a base", with_html('<base href="https://shop.example/">'), PLAIN, ("html_base",)),
    (
        "a large style",
        with_html(f"<style>{'p{color:red}' * 900}</style>"),
        PLAIN,
        ("html_large_style",),
    ),
    (
        "a film",
        with_html('<video src="https://shop.example/a.mp4"></video>'),
        PLAIN,
        ("html_unsupported_tag",),
    ),
    ("it stays", with_html('<div style="position: fixed">x</div>'), PLAIN, ("css_unsupported",)),
    (
        "hidden text",
        with_html(f'<div style="display:none">{"word " * 60}</div>'),
        PLAIN,
        ("hidden_text",),
    ),
    (
        "white on white",
        with_html(f'<p style="color:#fff;background:#FFF">{"word " * 60}</p>'),
        PLAIN,
        ("hidden_text",),
    ),
    # AMP
    ("AMP that is none", but(amp="<html><body>x</body></html>"), PLAIN, ("amp_wrong",)),
    ("large AMP", but(amp=AMP + " " * 210_000), PLAIN, ("amp_too_large",)),
    ("AMP alone", but(amp=AMP, html=None), PLAIN, ("amp_alone",)),
    (
        "AMP with HTML's pictures",
        but(amp=AMP.replace("Hello", "<img src=a>")),
        PLAIN,
        ("amp_element",),
    ),
    # Size
    ("clipped", with_html("<!--" + "x" * 102_400 + "-->"), PLAIN, ("html_clipped",)),
    ("nearly clipped", with_html("<!--" + "x" * 95_000 + "-->"), PLAIN, ("html_nearly_clipped",)),
    ("deep", with_html("<div>" * 600), PLAIN, ("html_huge",)),
    ("too large", but(octets=27_000_000), PLAIN, ("mail_too_large",)),
    ("large", but(octets=12_000_000), PLAIN, ("mail_large",)),
    # Attachments
    ("a program as file", files(File(filename="a.exe ", content=b"x")), PLAIN, ("file_program",)),
    (
        "a program that says it is none",
        files(File(filename="a.txt", content=b"MZ")),
        PLAIN,
        ("file_program",),
    ),
    (
        "a program in an archive",
        files(File(filename="a.zip", content=archive("x/a.js"))),
        PLAIN,
        ("file_program_in_archive",),
    ),
    (
        "an encrypted archive",
        files(File(filename="a.zip", content=archive("a.txt", encrypted=True))),
        PLAIN,
        ("file_encrypted",),
    ),
    ("macros", files(File(filename="a.xlsm", content=archive("a.xml"))), PLAIN, ("file_macros",)),
    ("a page", files(File(filename="a.html", content=b"<p>")), PLAIN, ("file_active",)),
    ("no PDF", files(File(filename="a.pdf", content=b"x")), PLAIN, ("file_is_something_else",)),
    ("an empty file", files(File(filename="a.txt")), PLAIN, ("file_empty",)),
    ("a nameless file", files(File(content=b"x")), PLAIN, ("file_without_name",)),
    # Messages written elsewhere
    (
        "a wrong header",
        but(faults=(Broken(code="header_wrong", field="raw"),)),
        PLAIN,
        ("header_wrong",),
    ),
    ("wrong parts", but(faults=(Broken(code="mime_wrong", field="raw"),)), PLAIN, ("mime_wrong",)),
    (
        "long lines",
        but(faults=(Broken(code="line_too_long", field="raw"),)),
        PLAIN,
        ("line_too_long",),
    ),
    (
        "a wrong charset",
        but(faults=(Broken(code="charset_wrong", field="raw"),)),
        PLAIN,
        ("charset_wrong",),
    ),
    (
        "an old date",
        but(is_raw=True, fields=(("Date", "Mon, 1 Jan 2024 10:00:00 +0000"),)),
        PLAIN,
        ("date_wrong",),
    ),
    ("no date", but(is_raw=True, fields=(("Date", "yesterday"),)), PLAIN, ("date_wrong",)),
    (
        "no MIME-Version",
        but(is_raw=True, fields=(("Content-Type", "text/html"),)),
        PLAIN,
        ("mime_version_missing",),
    ),
)
