### What went wrong, by a stable key (`_` and `.` become `-`), with what to do (.next).

problem = Something went wrong: { $problem }.
    .next = Try again. If it happens again, tell support this name.

## With the request

problem-agent-unreachable = Latchkey's agent does not answer.
    .next = Wait a moment and try again. If it stays away, sign out of the computer and in again.
problem-unsupported = The running agent is older than this program and does not know the request.
    .next = Close every product, then open Latchkey again.
problem-timeout = No answer came in time.
    .next = Try again.
problem-busy = Latchkey is still busy with the last request.
    .next = Wait a moment and try again.
problem-invalid-argument = The request was not understood.
    .next = Update the program that made it, or tell its publisher.
problem-internal = Something went wrong inside Latchkey.
    .next = Try again. If it happens again, tell support.
problem-unknown-product = This product is not registered on this computer.
    .next = Start it once, or install it again.
problem-unknown-service = No registered product uses this licensing service.
    .next = Check the address.
problem-several-services = The registered products use more than one licensing service.
    .next = Name the one you mean.
problem-no-products = No product is registered on this computer.
    .next = Install a product that uses Latchkey.
problem-registration-refused = The product's registration is not valid.
    .next = Tell the product's publisher.
problem-not-signed-in = You are signed out.
    .next = Sign in first.
problem-sign-in-again = The sign-in service wants you to sign in again. Your products go on meanwhile.
    .next = Sign in again.
problem-no-sign-in = No sign-in is open.
    .next = Begin a new one.
problem-signed-out-meanwhile = You were signed out meanwhile.
    .next = Sign in again.
problem-reset-meanwhile = The licence was reset meanwhile.
    .next = Start the product again.
problem-waiting-for-other = Another sign-in is open.
    .next = Finish or cancel it first.
problem-bad-product-key = The product key is not valid.
    .next = Use 1 to 64 of A-Z, 0-9, - and _.
problem-bad-version = The product version is not valid.
    .next = Use 1 to 64 characters.
problem-bad-nonce = The challenge is not valid.
    .next = Use 16 to 64 characters of base64url.
problem-unknown-use = The product is not open on this connection.
    .next = Ask for its licence again.

## With the network and the services

problem-offline = This computer is offline.
    .next = Connect to the Internet, then try again.
problem-neither-answers = Neither the licensing service nor the sign-in service answers.
    .next = Try again later. Latchkey keeps trying by itself.
problem-network-sign-in = This network wants you to sign in to it first.
    .next = Open any web page, sign in to the network, then try again.
problem-proxy-password = The proxy of this network wants a name and a password.
    .next = Set them: latchkey config set proxy http://name:password@host:port
problem-proxy-refuses = The proxy of this network does not connect this computer to the service.
    .next = Try again later. If it stays so, ask whoever runs the network: the proxy may want another name and password, or forbid it.
problem-proxy-unreachable = The proxy of this network does not answer.
    .next = Try again later. "latchkey config" shows which proxy is set.
problem-authority-unknown = The service's certificate comes from an authority that this computer does not know.
    .next = Ask whoever runs the network to install the company's authority on this computer. Latchkey goes on by itself.
problem-certificate = The service's certificate is not trusted on this computer.
    .next = Check date and time. If they are right, ask whoever runs the network.
problem-identity-unavailable = The sign-in service is not answering.
    .next = Try again later.
problem-licensing-unavailable = The licensing service is not answering.
    .next = Try again later. Your products go on meanwhile.
problem-identity-unreachable = { problem-identity-unavailable }
    .next = { problem-identity-unavailable.next }
problem-licensing-unreachable = { problem-licensing-unavailable }
    .next = { problem-licensing-unavailable.next }
problem-token-refused = The licensing service does not accept what the sign-in service gives.
    .next = Ask your admin: "latchkey-server issuer check" says what does not fit.
problem-service-busy = The licensing service is very busy.
    .next = Wait. Latchkey tries again by itself.
problem-service-outdated = The licensing service is too old for this Latchkey.
    .next = Ask your admin to update the licensing service.

## With this computer

problem-vault-locked = The keyring of this computer is locked.
    .next = Unlock the keyring. Where Latchkey keeps your sign-in in a file, run "latchkey unlock". Latchkey goes on by itself.
problem-vault-prompting = The keyring asks for its password.
    .next = Type it in the keyring's own window, which may be behind others. Latchkey goes on by itself.
problem-vault-unavailable = This computer has no keyring, or it cannot be reached, so Latchkey cannot keep your sign-in.
    .next = Start the keyring service. Where there is none, choose another place: "latchkey config set vault file", or "memory" in its place.
problem-vault-hung = The keyring of this computer does not answer.
    .next = Wait: Latchkey tries again by itself. If it stays so, sign out of the computer and in again.
problem-vault-read-only = The keyring takes nothing new: it is read-only, or the disk is full.
    .next = Make it writable, or make room on the disk. Latchkey tries again by itself.
problem-vault-damaged = What the keyring keeps of your sign-in is damaged.
    .next = Sign in again. If that does not help, reset everything first.
problem-vault-too-new = A newer Latchkey wrote what the keyring keeps of your sign-in. It is left untouched.
    .next = Update Latchkey.
problem-vault-entry-gone = What was kept of your sign-in is gone: it was deleted from the keyring, or it was only in memory. Your licences are kept.
    .next = Sign in again.
problem-session-in-memory = Your sign-in is kept in memory only, and ends when Latchkey's agent does.
    .next = Prepare to sign in again after a restart, which needs the Internet.
problem-passphrase-not-set = Latchkey is to keep your sign-in in a file that has no passphrase yet.
    .next = Run "latchkey unlock" to choose one.
problem-passphrase-file = The file with the passphrase cannot be used: it is missing, others may read it, or its passphrase is not the right one.
    .next = Mend the file that LATCHKEY_VAULT_PASSPHRASE_FILE names, then run "latchkey unlock".
problem-wrong-passphrase = This is not the passphrase. Nothing is lost.
    .next = Try again. If it is forgotten, "latchkey reset --all" begins anew.
problem-passphrase-set = A passphrase has been chosen already.
    .next = Run "latchkey unlock" and type it.
problem-passphrase-too-short = The passphrase is too short.
    .next = Choose one of 8 characters or more.
problem-nothing-to-unlock = There is nothing here that a passphrase would unlock.
    .next = Run "latchkey config" to see where your sign-in is kept.
problem-vault-not-deleted = The keyring did not let Latchkey delete everything.
    .next = Unlock the keyring, then reset again.
problem-state-not-saved = Latchkey cannot save its state: the disk is full or read-only.
    .next = Make room on the disk.
problem-state-recovered = Latchkey's last state was damaged. It went back to the one before.
    .next = Check now to be up to date.
problem-state-too-new = A newer Latchkey was in use on this computer. Its state is left untouched.
    .next = Update Latchkey.
# By how much the clock is wrong, as it stands in the sentence below.
clock-off-by = { $unit ->
        [minutes] { $count ->
            [one] { $count } minute
           *[other] { $count } minutes
        }
        [hours] { $count ->
            [one] { $count } hour
           *[other] { $count } hours
        }
       *[days] { $count ->
            [one] { $count } day
           *[other] { $count } days
        }
    }
problem-clock-wrong = The clock of this computer is { $by ->
        [none] wrong
       *[other] { $by } { $clock }
    }.
    .next = Set date and time, then try again.
problem-no-browser = No browser could be opened.
    .next = Copy the link and open it in a browser on this computer.
problem-no-clipboard = Nothing could be copied.
    .next = Try again.
problem-autostart = Starting at login could not be changed.
    .next = Change it in the settings of this computer.
problem-no-device-code = The sign-in service does not offer sign-in by code.
    .next = Sign in with the browser.
problem-unknown-domain = No sign-in service is responsible for this address.
    .next = Check the address for typing mistakes, or ask your admin.
problem-bad-email = This is not an e-mail address.
    .next = Write your work address, such as you@company.example.
problem-callback-port = Another program uses the port that the browser must come back to.
    .next = Close that program or restart the computer, then try again.

## With signing in

problem-cancelled = The sign-in was cancelled.
    .next = Sign in when you are ready.
problem-access-denied = The sign-in was declined.
    .next = Sign in again, or ask your admin whether you may use it.
problem-expired = The sign-in was not finished in time.
    .next = Sign in again.
problem-abandoned = The program that asked for the sign-in has gone.
    .next = Sign in again.
problem-sign-in-cancelled = { problem-cancelled }
    .next = { problem-cancelled.next }
problem-sign-in-denied = { problem-access-denied }
    .next = { problem-access-denied.next }
problem-sign-in-expired = { problem-expired }
    .next = { problem-expired.next }
problem-sign-in-abandoned = { problem-abandoned }
    .next = { problem-abandoned.next }
problem-id-token-required = The licensing service wants to know once more who you are.
    .next = Sign in again. If you type a code in a browser, sign out there first.
problem-provider-error = The sign-in service reported an error.
    .next = Try again. If it happens again, tell your admin.
problem-provider-misconfigured = The sign-in service is not set up correctly for Latchkey.
    .next = Tell your admin.
problem-provider-untrusted = The sign-in service sent an answer that cannot be trusted. Nothing was kept.
    .next = Try again. If it happens again, tell your admin.
problem-account-changed = The sign-in service answered for another account than before.
    .next = Sign in again.

## With devices

problem-unknown-device = You have no such device.
    .next = Run "latchkey devices" to see those you have.
problem-several-devices = More than one of your devices has this name.
    .next = Run "latchkey devices", and name the device by its id.
problem-release-limit = You have released as many devices today as you may.
    .next = Wait until tomorrow, or ask your admin to release one.
problem-not-offered = This licensing service is too old for that.
    .next = Ask your admin to update the licensing service.
