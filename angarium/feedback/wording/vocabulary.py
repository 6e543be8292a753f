"""Words that mean the same in a reply, over many languages: each is read as the word in front of it. Pure.

So a phrase of the tables, written once in English, is found in any of its wordings. What has no meaning of its own
(articles, forms of "to be") is not read at all. Accents are gone when a word is looked up.
"""

from typing import Final

# What is read -> as what it is written in replies. English, German, French, Spanish, Portuguese, Italian, Dutch,
# Polish, Czech, the Nordic languages, Finnish, Turkish, Russian.
SYNONYMS: Final = """
over quota: overquota
active: activa activo actif aktiv attivo attiva ativa ativo
possible: posible possibile possivel moglich moeglich
no registered: unregistered
no: aucun aucune nessun nessuna ningun ninguna nenhum nenhuma nt not non none nicht kein keine keinen
no: keiner pas niet geen nie nao ikke inte ej ingen ei не нет нету brak cannot without cant couldnt
no: can't wont doesnt didnt isnt wasnt arent hasnt havent dont werent wouldnt shouldnt never unable
no: nincs degil
exist: findes existant exists existed existing existe existent existiert existieren esiste existente
exist: istnieje finns finnes existuje существует bestaat vorhanden bestar existerar eksisterer mevcut
found: find gefunden trouve trouvee encontrado encontrada trovato trovata gevonden znaleziono
found: znaleziony найден найдена hittades funnet loydy locate located
known: bekannt connu connue conocido conocida conosciuto conhecido bekend znany känd recognized
known: recognised recognize
no found: bulunamadi
no exist: neexistuje nonexists nonexistent nonexisting inexistent inexistente inexistant inexistante
no exist: inesistente nonexistant nieistniejacy nonexist unexistent
unroutable: unrouteable nondeliverable unresolvable
unknown: unknowns неизвестного nezname unbekannt unbekannte unbekannter inconnu inconnue inconnus
unknown: desconocido desconocida sconosciuto sconosciuta desconhecido desconhecida onbekend onbekende
unknown: nieznany nieznana okand okant ukjent ukendt tuntematon neznamy неизвестен неизвестный
unknown: unbekanntes unrecognized unrecognised bilinmeyen unknonw unknow
invalid: ungultig ungultige ungueltig ungueltige ungultiger invalide invalides invalido invalida
invalid: ongeldig ongeldige nieprawidlowy nieprawidlowa неверный недопустимый ogiltig ugyldig bad
invalid: illegal erroneous incorrect wrong incorrecta unacceptable gecersiz errato
invalid: incorrecto errata erronea
valid: gultig gueltig valide valido valida geldig prawidlowy legal legitimate
user: users username userid userids benutzer benutzername anwender nutzer utilisateur utilisateurs
user: usuario usuarios utente utenti gebruiker gebruikers uzytkownik uzytkownika пользователь
user: пользователя anvandare anvandaren bruker brugeren bruger customer customers subscriber kunde
user: abonne abonnent kayttaja kullanici uzivatel userunknown employee person persona personne people
no user: nobody niemand nessuno nadie
mailbox: mailboxes inbox inboxes postfach postfachs mailaccount mailkonto briefkasten buzon casilla
mailbox: casella boite bal caixa postvak postbus skrzynka skrzynki ящик ящика brevlada brevladan
mailbox: postkasse postilaatikko mbox schranka posta maildir mailfolder messagerie kutusu
account: accounts konto benutzerkonto kontos compte comptes cuenta cuentas conta contas rekening konta
account: учетная аккаунт tili hesap ucet
recipient: modtageren mottageren destination destinations adressat adressaten адресат адресата
recipient: адресату recipients rcpt rcpts recip receiver addressee receipient reciepient recipent
recipient: recepient empfanger empfaenger empfangers empfaengers destinataire destinataires
recipient: destinatario destinatarios destinatari ontvanger odbiorca odbiorcy mottagare mottagaren
recipient: mottaker modtager получатель получателя получателю vastaanottaja alici prijemce destinatary
recipient: dest destin
address: addresses adress adresse adressen adresses direccion direcciones indirizzo indirizzi endereco
address: enderecos adres adresu адрес адреса addr adresat adresata emailaddress mailadresse
address: emailadresse zieladresse osoite adresi adresa empfangeradresse empfaengeradresse
address: mottagaradressen e-mailadresse e-mail-adresse
alias: aliases localpart
domain: domains domaine domaines dominio domini dominios domein domeny domena домен домена domanen
domain: domenet verkkotunnus
host: hosts hostname hostnames mailhost rechner hote anfitrion
server: servers mailserver mailservers serveur servidor serwer сервер palvelin mta mtas servidores
ip: ips ipaddress ipaddr ipv4 ipv6 ip-adresse ip-adres ip-адрес
network: netblock networks reseau rete netzwerk сеть subnet subnetwork cidr netrange
connection: conectar connections verbindung verbindungen connexion connexions conexion conexiones
connection: connessione connessioni conexao conexoes verbinding verbindingen polaczenie polaczen
connection: соединений соединение connecting connects connect connected anslutningar conn conns
session: sessions
sender: senders absender absenderadresse expediteur emetteur remitente mittente remetente afzender
sender: nadawca nadawcy отправитель отправителя avsandare avsender afsender mailfrom fromaddress
sender: sending originator
message: messages email emails e-mail e-mails mail mails nachricht nachrichten mensaje mensajes
message: messaggio messaggi mensagem mensagens bericht berichten wiadomosc wiadomosci сообщение
message: сообщения письмо письма meddelande melding courriel courrier correo correos viesti msg msgs
message: mailing mailings lettre mesaj zprava submission
content: inhalt contenu contenido contenuto conteudo inhoud tresc содержимое содержание contents body
content: innehall
attachment: attachments anhang anhange allegato adjunto anexo bijlage zalacznik вложение
full: voll ueberfullt ueberfuellt uberfullt pleine plein saturee sature llena lleno piena pieno cheia
full: cheio vol pelna pelny przepelniona przepelniony przepelnione переполнен переполнена overfull
full: fyllt taynna dolu volle plna
quota: quotas kontingent speicherplatz speichervolumen speicher cuota quotalimit quotum квота квоты
quota: kvot
over: exeeded exeeds exceded esaurito esaurita agotado epuise erschopft above beyond uberschritten
over: ueberschritten uberschreitet ueberschreitet depasse depassee excedido excedida superato superata
over: przekroczony przekroczono przekroczona превышен превышена превышает overschreden exceed exceeds
over: exceeded exceeding excessive exhausted overschrijdt overskriden ylitetty exceedes excede supera
over: overdrawn
limit: limited limits limite limiti limites limiet лимит grenze maximum max threshold maximal maximale
large: gros big gross grande grandes groot lourd lourde volumineux volumineuse larger duzy duza
large: большое большой stor stort bigger oversize oversized huge long
too: zu demasiado troppo muito te zbyt слишком liian excessively
too many: zuviele zuviel zuvielen trop demasiados demasiadas demasiada troppi troppe muitos muitas
many: viele beaucoup molti molte veel wiele много manga mange frequent frequently much often
size: grosse groesse taille tamano dimensione dimensioni tamanho grootte rozmiar размер storlek length
size: lengths
disabled: inactivo inactiva inactivite inactivity nieaktywna disable deaktiviert deactivated inactive
disabled: inactivated inaktiv inactif deshabilitada deshabilitado disabilitata disabilitato desativada
disabled: desativado desactivado desactivada desactive desactivee uitgeschakeld wylaczone отключен
disabled: отключена неактивен nieaktywne nieaktywny inattiva inattivo discontinued disattivata
disabled: disattivato deactivate inativa inativo disactivated dormant dezaktywowane
suspended: suspend suspendu suspendue suspendida suspendido sospesa sospeso suspensa suspenso
suspended: zawieszone приостановлен suspension frozen freezed hangup
such: tel telle tal tale solche solchen takiego takiej такого такой
locked: gesperrt gesperrte lock bloquee verrouille zablokowane zablokowany zablokowana заблокирован
locked: заблокирована geblokkeerd sparrat sperret bloqueada bloqueado bloccato bloccata bloque
blocked: block blocks blocking banned ban bannissement bloques заблокировано blockiert
rejected: reject rejects rejecting rejection denied deny denies declined decline declines abgelehnt
rejected: abgewiesen zuruckgewiesen zurueckgewiesen verweigert rejete rejetee rechazado rechazada
rejected: rifiutato rifiutata respinto rejeitado rejeitada recusada geweigerd odrzucona odrzucono
rejected: отклонено отклонен nekades avvist hylatty reddedildi geweigert rejeted rechazo
accept: accepted accepts accepting akzeptiert accepte acceptee aceptado aceptada accettato aceito
accept: geaccepteerd принято принята acceptable
no allowed: unauthorized unauthorised unpermitted disallowed
allowed: allow allows permitted permit permits erlaubt zugelassen autorise autorisee permitido
allowed: permitida permesso toegestaan dozwolone dozwolony разрешен разрешено authorized authorised
allowed: authorization autorizado autorizzato tillaten entitled
forbidden: prohibited prohibits prohibition interdit interdite prohibido vietato proibido verboten
forbidden: запрещен запрещено
spam: dcc bogofilter rspamd spamd dspam antyspamowy antyspamowa advertisement advertisements
spam: advertising спамом рекламы spamtrap spams spammer spammers spammy spamming junk junkmail ube uce
spam: unsolicited bulk werbung спам спама pourriel spamassassin antispam spamcontent junkemail
spam: spamdetected spamblock
virus: viruses malware trojan worm virusses viruss вирус вирусы viren maliciel infected
policy: policies richtlinie richtlinien politique politica beleid polityka политика restriction
policy: restrictions
blacklist: blocklisting denylisting blacklisted blacklists blacklisting blocklist blocklists
blacklist: blocklisted denylist denylisted rbl rbls dnsbl dnsbls blackliste blacklistee sperrliste
blacklist: schwarzliste swartelijst blackhole bl blklist badlist
listed: list lists listing liste lista gelistet
reputation: reputations reputazione reputacion reputacao репутация
rate: rates frequency frequence frekvens
throttled: throttle throttling ratelimit ratelimited ratelimiting
complaint: complaints beschwerden plaintes quejas reclami жалобы complained
dns: nameserver nameservers
reverse: rdns fcrdns revdns ptr ptrs
timeout: timeouts timedout zeituberschreitung zeitueberschreitung
relay: relays relaying relayed relais
moved: moves verzogen demenage transferred trasferito mudou migrated relocated
temporary: temporarily temp temporaire temporairement temporal temporalmente temporaneamente
temporary: temporaneo vorubergehend voruebergehend tijdelijk tymczasowo временно transient temporarly
temporary: tempfail tmpfail tillfalligt
unavailable: indisponible unavailible niedostepny недоступен onbeschikbaar unavaliable
failed: fail fails failure failures fehler fehlgeschlagen echec echoue fallo fallita falha mislukt
failed: failing error errors erreur ошибка niepowodzenie
authenticated: authenticate authentication authenticates authentifie authentifizierung autenticazione
authenticated: autenticacion authenticating autenticado auth authed authorisation
unauthenticated: unauthentic nonauthenticated
signature: signatures signed
disk space: diskspace
disk: disks festplatte disque disco schijf
space: storage platz espace espacio spazio espaco ruimte
greylisted: greylist greylists greylisting graylist graylisted graylisting postgrey greylistening
expired: expirado expirada scaduto scaduta expirou expiro verstrichen expire expires expiry abgelaufen
expired: expiration verlopen
later: again nochmal spater spaeter ulterieurement tarde tardi позже opnieuw ponownie retry retries
tls: starttls ssl encryption encrypted encrypt verschlusselung verschluesselung
certificate: certificates cert certs zertifikat
header: headers kopfzeile entete field fields
banned: bannie
suppressed: suppression suppress unterdruckt
closed: cancelled canceled ended geschlossen ferme fermee cerrada cerrado chiuso chiusa gesloten
deleted: terminated removed delete geloscht geloescht supprime supprimee eliminada eliminado eliminato
deleted: borrado verwijderd usuniete usuniety удален удалена cancellata obsolete
busy: overloaded overload ausgelastet ueberlastet occupe ocupado druk
refused: refuse refusee refuses refusing refusal
command: commands commande befehl
unsupported: unimplemented
loop: loops looping looped schleife boucle bucle
hop: hops
dynamic: dynamically dynip
country: countries geographical geographic geographically geolocation region geo
compromised: hacked hijacked
minutes: minuten minutos minuti minut minuter minutter minuto minutem minuutin dakika минут минуты
seconds: sekunden segundos secondi secondes secondi sekund
days: tage tagen jours dias giorni dagen dni dage dagar dager
delivered: zugestellt entregado entregue consegnato dostarczono bezorgd доставлено levererat leveret levert
gave up: aufgegeben abandonnee
later: reessayer reintentar reintente intentelo riprovare riprova tentar повторите поздно nochmals erneut
blacklist: feketelista tiltolista svartlista svartlistad svartlistan sortliste sortlistet svarteliste
blacklist: svartelistet zwartelijst estolista
spam: gtube bayes bayesian
address: e-mailadres mailadres emailadres
complaint: spamcomplaints
no: niciun nici zaden zadna
no found: nenalezen nenalezena nenalezeno
user: individual
limit: ceiling cap
suspended: hold lapsed paused revoked
banned: barred
virus: malicious
spam: unwanted deseado indesejado indesejada indesiderata indesiderato ongewenste ongewenst unerwunscht
spam: unerwunschte unerwuenscht indesirable niechciana нежелательная нежелательное nevyzadana roskapostia
spam: skrappost
rate: speed pace velocity
malformed: fehlerhaft malforme malformado malformata
queue: warteschlange wachtrij kolejka очереди
time: zeit wartezeit delai tiempo tempo tijd czas время
undeliverable: unzustellbar
many: много
aligned: alignment align
unsubscribed: abgemeldet desabonne opted-out
no exist: yok bulunmuyor
no: nem δεν nu nav nera neni nie
exist: esistente esistenti esistono
limit: maximo maximos massimo maxima
many: mnoho sok multe mnogo monta
too: tul prea cok
known: know knows recognises recognizes
large: nagy
mailbox: θυριδα
closed: shut
considered: consider considers
only: nur seulement solo solamente apenas tylko alleen vain endast bare kun только
exist: gibt
such: sadan sadant slik sadana takova takovy takiego
"""

# Two words, as they are read, that are one
JOINED: Final = """
address: message address
account: message account
mailbox: message box
user: message user
recipient: message recipient
server: message server
host: message host
domain: message domain
quota: message quota
ip: ip address
blacklist: black listed
blacklist: listed negra
blacklist: listed nera
blacklist: listed noire
ip: address ip
blacklist: blocked listed
blacklist: deny listed
greylisted: grey listed
greylisted: gray listed
timeout: timed out
timeout: time out
tls: start tls
user: user name
domain: domain name
host: host name
dns: name server
spam: spam assassin
spam: anti spam
output: command output
relay: message relay
blacklist: czarnej liscie
blacklist: черном списке
blacklist: kara listede
blacklist: cerne listine
blacklist: listed neagra
blacklist: zwarte lijst
blacklist: schwarzen listed
greylisted: listed grise
greylisted: listed gris
greylisted: listed grigia
greylisted: listed cinza
greylisted: listed cinzenta
greylisted: szara listed
greylisted: graue listed
"""

# Scripts without spaces between words: what is found in them, longest first, is read as words. _: a space
CLUSTERS: Final = """
no exist: 不存在 存在しません 存在しない 存在していません 존재하지_않는 존재하지_않습니다 존재하지
no found: 未找到 找不到 见つかりません 見つかりません 찾을수없 찾을_수_없
no user: 非本站用户 无此用户 查无此人 查無此人 無此用戶 没有此用户 没有这个用户
unknown: 不明 未知 알수없는 알_수_없는
user: 用户 用戶 使用者 ユーザー ユーザ 사용자
recipient: 收件人 收信人 受信者 宛先 받는사람 받는_사람 수신자
mailbox: 邮箱 郵箱 信箱 收件箱 メールボックス 受信箱 받은편지함 메일함 사서함
account: 账号 帐号 账户 帐户 帳號 アカウント 계정
address: 地址 アドレス 주소
domain: 域名 ドメイン 도메인
sender: 发件人 發件人 寄件者 送信者 보낸사람 발신자
message: 邮件 郵件 メッセージ メール 메시지 메일
full: 已满 已滿 空间不足 容量已满 容量超過 いっぱい 満杯 超过限额 용량_초과 용량초과 가득
disabled: 已停用 停用 禁用 冻结 凍結 已禁用 停止 정지 비활성 중지
locked: 锁定 鎖定 ロック 잠금
rejected: 拒绝 拒絕 拒否 거부
blacklist: 黑名单 黑名單 ブラックリスト 차단목록
blocked: 屏蔽 封锁 ブロック 차단
rate: 频率 頻率
over limit: 超过限制 超出限制 超限 過多 过多 制限を超え 초과
spam: 垃圾邮件 垃圾郵件 迷惑メール スパム 스팸
virus: 病毒 ウイルス ウィルス 바이러스
too large: 过大 太大 過大 大きすぎ 너무_큽
greylisted: 灰名单 灰名單 グレーリスト 그레이리스트
ip: ip_地址
content: 内容
size: 大小 サイズ 크기 尺寸
too fast: 频率过高 過於頻繁 过于频繁 太频繁 发送过快
later: 稍后 稍後 しばらくして 나중에
no such: 没有这个 没有此 没有该 沒有這個 该当する
no exist: 없는 不存在的 存在しないため
invalid: 無効な 無効です 无效 無效 不正な 잘못된 유효하지_않은
limit: 上限 限制 한도
over: 超过 超過 超出 超え 초과
too many: 多すぎ 太多 너무_많
connection: 连接 連接 接続 연결
temporary: 暂时 暫時 一時的 일시적
server: 服务器 伺服器 サーバー サーバ 서버
undeliverable: 无法投递 無法投遞 配信できません 配送できません
reputation: 信誉 信譽 평판
relay: 中继 中繼 릴레이
authenticated: 认证 認證 認証 인증
attachment: 附件 添付ファイル 첨부
policy: 策略 ポリシー 정책
expired: 期限切れ 过期
timeout: 超时 逾時 タイムアウト 시간_초과
blocked: 拦截 攔截
rejected: 拒收 退信
space: 容量 空间 공간 용량
sender: 发信人 发件 送信元 발송
too fast: 频繁 連続送信
ip: 送信元_ip 发信_ip 發信_ip 发件_ip 발신_ip
per hour: 每小时 每小時 每天 每日 每分钟 1時間あたり 1日あたり 時間当たり 시간당
sender: 发送
"""

# Not read at all
UNREAD: Final = """
alcun alcuno alcuna her his their 않는 the a an this that these those is was are were be been being has
have had having does do did will would can could may might shall should it its our we you your yours i my
me he she they there here of to for in at on with and or as n ne der die das den dem des ein eine einen
einem einer ist wurde wird sind war hat haben von im fur fuer und auf ihre ihr le la les un une du est
ete etait sont au aux votre vos notre pour par et sur dans il elle ce cet cette de d l el los las una es
fue ha son su sus del al por para y en con se lo gli uno della dello nel nella e stato stata che o os um
uma foi seu sua da na het een van voor werd uw deze dit jest zostal zostala zostalo dla w z ten ta в на с
и по для этот была был было ваш ваше so just also already currently actually really sorry please bitte
svp kindly who whom which either some dear unfortunately leider any's specific given following entered
specified det ar ett har som och ma esta ole az on el si cu il es bei uns
"""
