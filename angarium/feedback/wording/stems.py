"""Beginnings of words that languages bend: what begins so is read as the word in front. Pure.

For words that ``vocabulary`` does not have whole; of several beginnings the longest. None begins an English word of
another meaning.
"""

from typing import Final

# German, French, Spanish, Italian, Portuguese, Dutch, Polish, Czech, Hungarian, the Nordic languages, Finnish,
# Romanian, Turkish, Greek, Russian, Ukrainian.
STEMS: Final = """
user: benutz nutzer anwend utilisa usager usuar utent gebruik uzytkow uzivat felhasznal kaytta brukar
user: bruger utilizat kullan корист пользоват потреб χρηστη abonent bruker anvand
mailbox: postfach postfaech postbus postvak postkass postboks brevlad postilaat skrzynk schrank schran
mailbox: postafiok fiok innboks innbaks inkorg indbakke inbakke почтовогоящик ящик скриньк γραμματοκιβ
mailbox: casut kutusu kotasi casell buzon
account: konto cuenta compte rekening ucet fiokj tili аккаунт учетн учетк облікov облик λογαριασμ contul
account: contulu hesab hesap
recipient: empfang empfaeng destinat ontvang odbiorc prijemc prijemce cimzett vastaanot mottak mottag
recipient: modtag получател одержувач адресат alici παραληπτ destinatar
address: adres adresse endere indiriz direcc osoite osoitt адрес διευθυν
domain: domaen doman domeni domeniul domen домен verkkotunn τομε
server: serwer servid serveur kiszolgal palvelin palvelim сервер διακομιστ sunucu
sender: absend expedit remitent remetent mittent afzend nadawc odesilat felado avsend avsand lahetta
sender: отправител відправник gonder gonderen αποστολε expeditor
message: nachricht mensaj messagg mensag bericht wiadomos zprav uzenet levele meddel melding viest сообщен
message: письм повiдом повидомл mesaj μηνυμ mesajul correo
exist: existier existent istniej istnie existuj letez olemass finnes findes существ існу существу υπαρχ
exist: exista
found: gefund trouv encontr trovat gevond znalez nalezen talalhat loydy funnet fundet hittad найден знайд
found: βρεθη gasit bulun
unknown: unbekan inconn desconoc sconosc desconhec onbeken niezna neznam ismeretl tuntemat ukjen ukend
unknown: okand неизвест невідом невидом αγνωστ necunosc bilinm
invalid: ungult unguelt ongeld nieprawid neplat ervenytel virheell ugyld ogilt неверн недействит некоррект
invalid: невірн gecersiz
full: uberfull ueberfull pleine cheia cheio piena przepeln preplnen plna megtel betelt taynn fyllt переполн
full: заполнен πληρες πληρησ γεματ plina dolmus doldu
over: uberschrit ueberschrit depass excedid superat overschr przekrocz prekroc tullep ylitt overskr
over: overskrid превыш перевищ υπερβ depasit asild исчерпан вичерпан alcanzad atteint erreicht raggiunt
over: bereikt
limit: grenzwert obergrenze
quota: kontingen cuota kvot kvota kiintio квот ποσοστ
size: taille tamano tamanh dimension grosse groesse wielkos rozmiar velikos meret storlek storrels размер
size: розмір розмир μεγεθ dimensiun boyut
too: zbyt prilis liian слишком занадто πολυ
large: velk nagy suuri duza duzy большо велик μεγαλ
disabled: deaktiv desactiv disattiv desativ uitgeschak wylacz nieaktyw deaktivov inaktiv poistettu отключен
disabled: деактив неактив вимкнен απενεργ dezactiv devre
suspended: suspendi sospes zawiesz pozastav felfugg jaadytet приостанов призупин αναστ
locked: gesperr bloquead bloque bloccat geblokk zablokow blokov zablok letilt zarolt lukittu blocat blokker
locked: sparrad sperret заблокир заблоков κλειδωμ engellen engelli μπλοκ estetty
rejected: abgelehn abgewies zuruckgew zurueckgew rechaz rifiut respint refuz recusad rejeitad geweiger
rejected: odrzuc odmitn zamitn elutasit visszautas hylat avvis avvist afvis отклон отказан відхил видхил
rejected: απορριφ reddedil respins
blacklist: sperrlist blockierl schwarzlist blackliste feketel tiltolist svartlist sortlist svartelist
blacklist: estolist
spam: unerwunsch unerwuensch indesea indesider ongewens niechcian nevyzad roskapost skrappost спам небажан
spam: нежелат κεραυν onaeskede
virus: virusi вирус вірус szkodliw haittaohj schadsoft schadcode malintenc злоредн вредонос
attachment: anhang anhaeng anlage adjunt allegat anexo bijlag zalaczn priloh melleklet vedlegg bilag bifog
attachment: вложен вкладен συνημμ atasament ekler
connection: verbindung connexion conexion connession conexoes verbind polaczen spojeni kapcsol yhtey
connection: tilkobl forbindel anslut соединен подключен зєднан συνδεσ conexiun baglant
too many: demasiad troppi troppe muitas muitos zuviel
later: spater spaeter nochmal riprov reessay reintent ponown pozdej znovu kesobb myohem senere senare позже
later: пізніше пизниш αργοτερ tekrar
minutes: minut
temporary: vorubergeh voruebergeh temporair temporal temporan tijdelijk tymczas docasn atmeneti tilapais
temporary: midlertid tillfall временн тимчас προσωριν temporar gecici
delivered: zugestell entregad consegnat bezorg dostarcz dorucen kezbesit toimitet levert доставлен παραδοθ
delivered: livrat teslim
expired: abgelauf verstrich expirad scadut verlop wygas vyprs lejart vanhentun utlop udlob истек закінч
expired: expirat
moved: umgezog verzog demenag mudou trasferit verhuis przenies prestehov atkoltoz muuttan flyttet flyttat
moved: переехал переміщ μετακομ
policy: richtlin politiq politic beleid kaytanto retningslin политик політик πολιτικ
authenticated: authentifiz authentif autentic autenty autentiz hitelesit todennu autentiser аутентиф
authenticated: автентиф ταυτοποι kimlik
reputation: reputac reputaz reputat репутац
no found: bulunam
"""
