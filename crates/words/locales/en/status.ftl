### One sentence and one next step (.next) for every status code and every reason.
### Ids are the codes' names. $product is the product's name; $until, $time are ready to read, or "none".

status-ok = { $product } may run.
    .next = Nothing to do.
status-ok-lease = { $product } is licensed.
    .next = Nothing to do.
status-ok-grace = { $away ->
        [identity_outage] The sign-in service is not answering.
        [overdue] The licence could not be checked.
        [outdated] Latchkey on this computer is too old to renew the licence.
        [neither_answers] Neither service answers.
       *[other] You are offline.
    } { $product } keeps working for { left-more }, until { $until }.
    .next = { $away ->
        [identity_outage] Nothing to do: Latchkey keeps trying.
        [overdue] Open Latchkey to see what is in the way.
        [outdated] Update Latchkey before then.
        [neither_answers] Nothing to do yet: Latchkey keeps trying. If it lasts, look at the network of this computer.
       *[other] Nothing to do yet. Connect to the Internet before then.
    }
status-ok-final-warning = Less than { left } left. { $away ->
        [identity_outage] { $product } stops working on { $until }, unless the sign-in service answers before.
        [overdue] { $product } stops working on { $until }, unless a check succeeds before.
        [outdated] Update Latchkey before { $until }, or { $product } stops working.
        [neither_answers] { $product } stops working on { $until }, unless the services answer before.
        [subscription] { $product } stops working on { $until }: then its subscription ends.
       *[other] Connect to the Internet before { $until }, or { $product } stops working.
    }
    .next = { $away ->
        [identity_outage] Latchkey keeps trying. If it lasts, ask who runs your sign-in.
        [overdue] Open Latchkey to see what is in the way.
        [outdated] Update Latchkey.
        [neither_answers] Latchkey keeps trying. Look at the network of this computer.
        [subscription] Ask who manages your licences to renew it.
       *[other] Connect to the Internet.
    }
status-ok-outage = The licensing service is not answering. { $product } keeps working.
    .next = Nothing to do.
status-ok-temporary = The licensing service is not answering. { $product } runs on a temporary licence until { $until }.
    .next = Nothing to do while you are online: Latchkey gets the next one by itself.

status-connecting = Latchkey is starting.
    .next = Wait a moment.
status-pending-identity = Waiting for the sign-in service to answer.
    .next = Wait a moment.
status-pending-licensing = Waiting for the licensing service to answer.
    .next = Wait a moment.

status-auth-pending = { $product } is not licensed yet.
    .next = Open Latchkey to see what is awaited.
status-auth-pending-waiting-for-user = Waiting for you to sign in, in the browser.
    .next = Finish there, or open the page again from Latchkey.
status-auth-pending-waiting-for-other = Another sign-in is open{ $other ->
        [none] .
       *[other] , at { $other }.
    }
    .next = Finish or cancel it first.
status-auth-pending-vault-locked = The keyring of this computer is locked, or does not answer.
    .next = Unlock the keyring. Where Latchkey keeps your sign-in in a file, run "latchkey unlock".
status-auth-pending-entitlement-spreading = { $product } is not assigned to you yet. { $until ->
        [none] A new seat can take a few minutes to arrive.
       *[other] Latchkey asks again at { $until }.
    }
    .next = Wait, or ask your admin for a seat.
status-auth-pending-not-registered = { $product } is not registered on this computer.
    .next = Start { $product } once, or install it again.
status-auth-pending-network-blocked = { $trouble ->
        [web_page] A web page came in place of the answer from { $host }.
        [proxy_password] The proxy of this network wants a name and a password before it connects to { $host }.
        [authority_unknown] The certificate of { $host } comes from an authority that this computer does not know.
        [tls] What answers for { $host } on this network is not trusted: no secure connection comes about.
       *[none] Something on this network stands between this computer and the service.
    }
    .next = { $trouble ->
        [proxy_password] Set them: latchkey config set proxy http://name:password@host:port
        [authority_unknown] Ask whoever runs the network to install the company's authority on this computer. Latchkey goes on by itself.
       *[other] Open any web page: if the network asks you to sign in, do that. Otherwise ask whoever runs the network.
    }
status-auth-pending-service-outdated = The licensing service is too old for this Latchkey.
    .next = Ask your admin to update the licensing service.
status-auth-pending-clock-wrong = { problem-clock-wrong }
    .next = Set date and time, then check again.

status-sign-in-required = You are signed out.
    .next = Sign in.
status-first-start-offline = { $away ->
        [neither_answers] The first start of { $product } must be checked, and neither service answers.
       *[other] The first start of { $product } needs the Internet.
    }
    .next = { $away ->
        [neither_answers] Look at the network of this computer, then start { $product } again.
       *[other] Connect to the Internet, then start { $product } again.
    }
status-offline-limit-reached = { $product } has been offline too long{ $until ->
        [none] .
       *[other] : its time ended on { $until }.
    }
    .next = Connect once to go on.
status-not-assigned = No seat for { $product } is assigned to you.
    .next = { $contact ->
        [none] Ask your admin for a seat.
       *[other] Ask { $contact } for a seat.
    }
status-subscription-ended = The subscription for { $product } has ended.
    .next = { $contact ->
        [none] Ask your admin to renew it.
       *[other] Ask { $contact } to renew it.
    }
status-device-limit = { $product } is already on as many devices as your subscription allows.
    .next = Release one that you no longer need, or ask your admin to.
status-session-in-use = { $product } is in use on { $holder ->
        [none] another device.
       *[other] { $holder }.
    }
    .next = { $takeover ->
        [none] Close it there. Then start it here again.
       *[other] Use it here instead, or close it there.
    }
status-identity-unavailable = The sign-in service is not answering.
    .next = Try again later. Latchkey keeps trying by itself.
status-licensing-unavailable = The licensing service is not answering, and { $product } has no licence on this computer yet.
    .next = Try again later. Latchkey keeps trying by itself.
status-client-outdated = The licensing service asks for { $version ->
        [none] a newer Latchkey.
       *[other] Latchkey { $version } or newer.
    }
    .next = Update Latchkey.
status-agent-not-found = Latchkey is not running on this computer, and could not be started.
    .next = Open Latchkey, or install it again.
status-lease-invalid = The licence of { $product } on this computer is not valid.
    .next = Check now while online. If that does not help, reset the licence.
status-invalid-argument = { $product } asked Latchkey for something that it does not understand.
    .next = Update { $product }, or tell its publisher.
status-device-released = This device was released elsewhere.
    .next = Sign in again.
status-unknown = { $product } has the status { $code }, which this version does not know.
    .next = Update Latchkey and { $product }.

# Added to any of the sentences above while the product is still open.
status-stopping = { $sentence } Save your work: { $product } stops at { $time }.

## The same in a word or two, after a product's name and a dash.

state-ok = ready
state-ok-lease = ready
state-ok-grace = { $away ->
        [identity_outage] sign-in service not answering
        [overdue] not checked
        [outdated] update Latchkey
        [neither_answers] neither service answers
       *[other] offline
    }, { left } left
state-ok-final-warning = less than { left } left
state-ok-outage = ready, service not answering
state-ok-temporary = temporary licence until { $until }
state-connecting = starting
state-pending-identity = signing in
state-pending-licensing = checking
state-auth-pending = waiting
state-auth-pending-waiting-for-user = waiting for sign-in
state-auth-pending-waiting-for-other = waiting for another sign-in
state-auth-pending-vault-locked = waiting for the keyring
state-auth-pending-entitlement-spreading = waiting for a seat
state-auth-pending-not-registered = not registered
state-auth-pending-network-blocked = blocked by the network
state-auth-pending-service-outdated = service too old
state-auth-pending-clock-wrong = clock is wrong
state-sign-in-required = signed out
state-first-start-offline = { $away ->
        [neither_answers] needs one check
       *[other] needs the Internet once
    }
state-offline-limit-reached = offline too long
state-not-assigned = no seat assigned
state-subscription-ended = subscription ended
state-device-limit = too many devices
state-session-in-use = in use on another device
state-identity-unavailable = sign-in service not answering
state-licensing-unavailable = licensing service not answering
state-client-outdated = Latchkey is too old
state-agent-not-found = Latchkey is not running
state-lease-invalid = licence not valid
state-invalid-argument = request not understood
state-device-released = device released
state-unknown = status { $code }
