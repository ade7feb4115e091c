### Notices: one sentence or two, shown by the desktop under a .title.

notice-offline = { $away ->
        [identity_outage] The sign-in service is not answering.
        [overdue] The licence could not be checked.
        [outdated] Latchkey on this computer is too old to renew the licence: update it.
        [neither_answers] Neither service answers.
       *[other] You are offline.
    } { $product } keeps working for { left-more }, until { $until }.
    .title = { $product }
notice-final-warning = Less than { left } left. { $away ->
        [identity_outage] { $product } stops working on { $until }, unless the sign-in service answers before.
        [overdue] { $product } stops working on { $until }, unless a check succeeds before.
        [outdated] Update Latchkey before { $until }, or { $product } stops working.
        [neither_answers] { $product } stops working on { $until }, unless the services answer before.
        [subscription] { $product } stops working on { $until }: then its subscription ends.
       *[other] Connect to the Internet before { $until }, or { $product } stops working.
    }
    .title = { $product }
notice-ended = { $product } has stopped: it has been offline for { $days ->
        [one] { $days } day
       *[other] { $days } days
    }. Connect once to go on.
    .title = { $product }
notice-ended-open = { $product } has been offline for { $days ->
        [one] { $days } day
       *[other] { $days } days
    }. Save your work: it stops at { $time }. Connect once to go on.
    .title = { $product }
notice-connected = Connected. { $product } is good offline until { $until }.
    .title = { $product }
notice-must-stop = { $cause } You have { $minutes ->
        [one] { $minutes } minute
       *[other] { $minutes } minutes
    } to save.
    .title = { $product }
notice-outage = The licensing service is not answering. You can keep working; nothing to do.
    .title = Latchkey
notice-other = Something about { $product } has changed. Open Latchkey to see what.
    .title = { $product }

## Causes of "must stop", by the status code behind them.

cause = The licence of { $product } on this computer has ended.
cause-sign-in-required = The licence of { $product } on this computer was ended.
cause-offline-limit-reached = { $product } has been offline too long.
cause-not-assigned = Your seat for { $product } was taken away.
cause-subscription-ended = The subscription for { $product } has ended.
cause-session-in-use = { $product } is now in use on another device.
cause-session-in-use-on = { $product } is now in use on { $holder }.
cause-client-outdated = The licensing service asks for a newer Latchkey to go on with { $product }.
cause-device-released = This device was released elsewhere.

# Once, when the tray icon is closed.
notice-quit = Latchkey has left the tray. Your products go on working.
    .title = Latchkey
