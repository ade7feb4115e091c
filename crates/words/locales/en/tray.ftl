### The status line (tooltip, menu, `latchkey status`) and the tray's menu.

line-no-products = No product is registered
line-signed-out = Signed out
line-signing-in = Signing in…
line-licensed = { $user } — licensed
line-sign-in-again = { $user } — sign in again
line-checking = Checking…
line-offline = { $away ->
        [identity_outage] The sign-in service is not answering
        [overdue] Not checked
        [outdated] Update Latchkey
        [neither_answers] Neither service answers
       *[other] Offline
    } — { left } left, until { $until }
line-final = Less than { left } left — { $away ->
        [identity_outage] unless the sign-in service answers before { $until }
        [overdue] unless a check succeeds before { $until }
        [outdated] update Latchkey before { $until }
        [neither_answers] unless the services answer before { $until }
        [subscription] the subscription ends on { $until }
       *[other] connect before { $until }
    }
line-outage = A service is not answering — you can keep working
line-outage-identity = The sign-in service is not answering — you can keep working
line-outage-licensing = The licensing service is not answering — you can keep working
line-stopped = { $product } has stopped — { $state }
line-stopping = { $product } stops at { $time } — { $state }
line-vault-locked = Waiting for the keyring — unlock it to go on
line-other = Latchkey

menu-product = { $product } { $version } — { $state }
menu-details = Details
menu-reset-licence = Reset licence…
menu-sign-in = Sign in…
menu-open-sign-in = Open the sign-in page again
menu-copy-sign-in-link = Copy the sign-in link
menu-cancel-sign-in = Cancel sign-in
menu-sign-out = Sign out
menu-prepare-offline = Prepare for offline
menu-manage = Manage licences
menu-reset-product = Reset { $product }…
menu-reset-all = Reset all…
menu-devices = Devices…
menu-open = Open Latchkey
menu-start-at-login = Start at login
menu-quit = Quit
