### The window's own words. What a status, a notice or a problem says stands in the other files.

window-back = Back
window-working = One moment…
window-for-support = For support: { $detail }
window-code = Code { $code } · { $name }
window-now = now

## Before anything is known

connecting-title = Latchkey is starting
connecting-text = This takes a second or two.
unreachable-title = Latchkey is not answering
unreachable-text = This window tries again by itself. Products that are open go on.

## No product

no-products-title = No product is registered
no-products-text = Start or install a product that uses Latchkey. It appears here by itself.

## Signed out

signed-out-title = You are signed out
signed-out-text = Sign in once to use your licences on this computer. Your browser opens; Latchkey never sees your password.
sign-in = Sign in
sign-in-to = Sign in to { $service }
sign-in-code = Use a code on another device
sign-in-code-new = Get a new code
sign-in-company = Company sign-in
sign-in-company-email = Your work address
sign-in-company-go = Continue

## Signing in

signing-in-starting-title = Signing in
signing-in-starting-text = Asking the sign-in service where to go…
signing-in-waiting-title = Go on in your browser
signing-in-waiting-text = Sign in on the page that has opened. This window goes on by itself as soon as you are done.
signing-in-finishing-title = Almost done
signing-in-finishing-text = You are back. Fetching your licences…
signing-in-waited = Waiting for { $time }
signing-in-deadline = The page is open until { $until }.
signing-in-open-again = Open again
signing-in-copy-link = Copy link
signing-in-copied = Link copied
signing-in-at = at { $issuer }
signing-in-use-code = Use a code
signing-in-use-browser = Use the browser here
signing-in-code-title = Type this code
signing-in-code-text = Open the address below in any browser, on this computer or another, and type the code there. This window goes on by itself as soon as you are done.
signing-in-code-address = Address
signing-in-code-left = The code is good for { $time }.
signing-in-code-copy = Copy code
signing-in-code-copied = Code copied
signing-in-code-open = Open the page here
signing-in-code-qr = The address with the code in it, as a picture for a phone’s camera
signing-in-cancel = Cancel
signing-in-hint-title = The browser didn’t come back?
signing-in-hint-text = Use a code instead, open the page again, or copy the link into another browser on this computer.

## Licensed

licensed-title = Everything is licensed
signed-in-title = You are signed in
checking-title = Checking…
sign-in-again-title = Sign in again
good-offline = Good offline until { $until }
good-offline-first = { $product } ends first.
last-check = Last check
next-check = Next check
never = not yet
checking-now = checking now…
check-now = Check now
prepare-offline = Prepare for offline
prepared = This computer is good offline until { $until }.
prepared-nothing = There is no licence on this computer to prepare.
release-waiting = The release of this device waits to be sent. It goes out by itself when the licensing service answers.
products = Products
sign-out-open = Sign out…
reset-open = Reset…
privacy-open = What is sent
actions = More

# In the ring, around the number: "27" above "days left".
ring-unit = { $unit ->
    [hours] { $count ->
        [one] hour left
       *[other] hours left
    }
   *[days] { $count ->
        [one] day left
       *[other] days left
    }
}
# In the ring while online, around the number: "30" above "days offline".
ring-unit-online = { $unit ->
    [hours] { $count ->
        [one] hour offline
       *[other] hours offline
    }
   *[days] { $count ->
        [one] day offline
       *[other] days offline
    }
}
ring-waiting = waiting
# The whole ring, for who cannot see it.
ring-unit-temporary = temporary

ring-label = { $left } of { $days } left offline

## Offline and the final days

offline-title = You are offline
outdated-title = Latchkey is too old
overdue-title = The next check is overdue
neither-title = Neither service answers
offline-text = { $away ->
        [outdated] Update Latchkey.
       *[other] Nothing to do yet.
    } { $product } keeps working until { $until }.
final-title = Less than { left } left
final-text = { $away ->
        [identity_outage] { $product } stops working on { $until }, unless the sign-in service answers before.
        [overdue] { $product } stops working on { $until }, unless a check succeeds before.
        [outdated] Update Latchkey before { $until }, or { $product } stops working.
        [neither_answers] { $product } stops working on { $until }, unless the services answer before.
        [subscription] { $product } stops working on { $until }: then its subscription ends. Ask who manages your licences to renew it.
       *[other] Connect to the Internet before { $until }, or { $product } stops working.
    }
final-connect-text = One check gives you the full time again.

## Outage

outage-title = A service is not answering
outage-licensing-title = The licensing service is not answering
outage-identity-title = The sign-in service is not answering
outage-text = You can keep working. There is nothing to do: Latchkey keeps trying.
outage-since = Last answer: { $since }.

## Stopped

stopped-title = { $product } has stopped
stopping-title = { $product } stops in { $time }
blocked-title = { $product } cannot start
ask-admin = Copy a message for your admin
ask-admin-copied = Message copied
ask-admin-title = Message for your admin
ask-admin-not-assigned = Hello,

    { $product } { $version } tells me that no seat is assigned to me. Could you assign me one?

    Account: { $account }
    Organisation: { $org }
    Licensing service: { $service }
    Code: { $code } { $name }
ask-admin-subscription-ended = Hello,

    { $product } { $version } tells me that its subscription has ended. Could you renew it?

    Account: { $account }
    Organisation: { $org }
    Licensing service: { $service }
    Code: { $code } { $name }
try-again = Try again
devices-title = Devices that hold your places
device-last-seen = last seen { $time }
holder-title = In use there

## Devices and sessions

own-devices-open = Devices…
own-devices-title = Your devices
own-devices-text = Each of these holds one of your places. Release one that you no longer use, or have lost: its place is free at once.
device-this = this computer
device-in-use = in use
release-ask = Release…
release-ask-name = Release { $name }…
release-text = The place of { $name } is free at once. Its licences and its sign-in end when it is next online.
release-now = Release
release-same = It is this computer, installed anew
release-keep = Keep it
releases-left = { $left ->
    [0] You can release no more devices today.
    [one] You can release one more device today.
   *[other] You can release { $left } more devices today.
}
holder-since = since { $time }
use-here = Use here instead
use-here-text = There, the product gets a few minutes to save.
awaited-text = { $device } waits for { $product }.
hand-over = Hand over

## One product

product-publisher = Publisher
product-service = Licensing service
product-org = Organisation
product-account = Account
product-checked = Last check
product-until = Good offline until
product-open = Open now
product-open-count = { $count ->
    [0] no
    [one] in { $count } program
   *[other] in { $count } programs
}
product-reset = Reset licence…

## Reset

reset-title = Reset licences
reset-choose = What to reset
reset-one = { $product } only
reset-all = Everything on this computer
reset-deletes = This deletes
reset-deletes-lease = The licence of { $product } on this computer
reset-deletes-leases = All licences on this computer, temporary ones too
reset-deletes-tokens = Your sign-in
reset-deletes-key = The key of this device, which gives up its place
reset-keeps = This keeps
reset-keeps-sign-in = You stay signed in
reset-keeps-products = Your products and your files
reset-keeps-registrations = Which products are installed
reset-open-products = Open products get a few minutes to save.
reset-best-effort = The sign-in service is asked to revoke your sign-in. Whether it does, Latchkey cannot promise; on this computer it is gone either way.
reset-next-start = The next start needs the Internet.
reset-confirm-one = Reset { $product }
reset-confirm-all = Reset everything
reset-cancel = Cancel
reset-done-title = Done
reset-done-one = The licence of { $product } is gone from this computer. Its next start fetches a new one.
reset-done-all = Nothing of your sign-in and licences is left on this computer. The next start signs in anew.

## Sign out

sign-out-title = Sign out?
sign-out-text = Your licences on this computer end, and the next start needs the Internet. Open products get a few minutes to save.
sign-out-place = The device keeps its place. To give it up, reset everything instead.
sign-out-confirm = Sign out
sign-out-confirm-of = Sign out of { $service }
sign-out-cancel = Stay signed in

## Privacy

privacy-title = What is sent
privacy-text = These are all the fields of a check, with the values that would be sent now. They go to the licensing service and to nobody else.
privacy-nothing = Nothing would be sent now: nobody is signed in.
privacy-never-title = Never sent
privacy-never-files = Your files, their names and what is in them
privacy-never-work = What you do in a product
privacy-never-offline = When and how long you work offline
privacy-never-programs = Which other programs are on this computer
privacy-never-password = Your password: only the sign-in service sees it
privacy-never-key = The private key of this device
