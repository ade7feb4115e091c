### The command line's own words. What a status, a notice or a problem says stands in the other files.

## Status

cli-good-until = Good offline until { $until }.
cli-device = { $name }, { $system }, last seen { $time }
cli-unregistered = { $product } — { $state }
cli-signed-in = { $email ->
    [none] Signed in as { $user }.
   *[other] Signed in as { $user } ({ $email }).
}
cli-reach-online = The services answer.
cli-reach-doubtful = The last check failed. Latchkey tries again by itself.
cli-reach-offline = This computer is offline.
cli-reach-neither = Neither the licensing service nor the sign-in service answers.
cli-reach-identity-outage = The sign-in service is not answering.
cli-reach-licensing-outage = The licensing service is not answering.
cli-last-check = Last check: { $time }
cli-next-check = Next check: { $time }
cli-release-waiting = The service learns of the reset as soon as it can be reached.

## Signing in and out

cli-starting = Asking the sign-in service where to go…
cli-waiting-for-user = Waiting for you to sign in, in the browser.
cli-finishing = You are back. Finishing the sign-in…
# Counts down in a terminal: "14:05 left".
cli-waiting-left = { $minutes }:{ $seconds } left, Ctrl-C cancels.
cli-waiting-until = The page is open until { $time }.
cli-sign-in-opened = Sign in on the page that opens in your browser. If none opens, this is its address:
cli-sign-in-open = Open this address in a browser on this computer, and sign in there:
cli-sign-in-joined = A sign-in is open already. This is its address:
cli-sign-in-ssh = The browser comes back to port { $port } of this computer. To use the one in front of you, first run there:
    ssh -L { $port }:127.0.0.1:{ $port } and the name of this computer
cli-sign-in-code = Open this address in any browser, on this computer or another:
cli-sign-in-type = and type this code:
cli-sign-in-or-code = Or sign in with another computer or phone: latchkey sign-in --device
cli-waiting-for-code = Waiting for you to type the code.
cli-code-left = It is good for { $minutes }:{ $seconds }, Ctrl-C cancels.
cli-code-until = The code is good until { $time }.
cli-sign-in-done = { $user ->
    [none] You are signed in.
   *[other] You are signed in as { $user }.
}
cli-signed-in-already = { $user ->
    [none] You are signed in already.
   *[other] You are signed in already, as { $user }.
}
cli-signed-out = You are signed out. The next start of a product needs the Internet.

## Checks

cli-checked = { $until ->
    [none] Checked.
   *[other] Checked. Good offline until { $until }.
}
cli-prepared = This computer is good offline until { $until }.

## Registrations

cli-registered = { $product } { $version } is registered on this computer.
cli-deregistered = { $version ->
    [none] { $product } is no longer registered on this computer.
   *[other] { $product } { $version } is no longer registered on this computer.
}

## Resetting

cli-reset-product = Reset the licence of { $product }?
    .deleted = Deleted: its licence on this computer. If it is open, it gets time to save, then it stops.
    .kept = Kept: your sign-in, the licences of other products, and its registration. Its next start needs the Internet.
    .done = The licence of { $product } is reset.
cli-reset-all = Reset everything?
    .deleted = Deleted: every licence, your sign-in, and the key of this device. Products that are open get time to save, then they stop. The sign-in service is asked to end your sign-in as well; that may fail.
    .kept = Kept: the registrations of products, what is known of the time, the count of temporary licences, and until the service has it the signed notice that this device is given up. The next start signs in anew, and needs the Internet.
    .done = Everything is reset.
cli-confirm = Go on? [y/N]
cli-not-confirmed = Nothing was changed.
cli-reset-without-agent = Latchkey's agent does not answer. Its program is asked to reset by itself.
cli-reset-by-hand = { $folder ->
    [none] What is left to delete by hand: the entries in this computer's keyring whose names begin with "Latchkey".
   *[other] What is left to delete by hand: the folder { $folder }, and the entries in this computer's keyring whose names begin with "Latchkey".
} Then ask your admin to release this device.

## Unlocking

cli-unlock-choose = Your sign-in is kept in a file that only this passphrase opens. Nobody can get it back for you.
cli-unlock-new = New passphrase:
cli-unlock-again = The same again:
cli-unlock-passphrase = Passphrase:
cli-unlock-done = Unlocked.
cli-unlock-open = There is nothing to unlock.

## Settings, privacy, versions

cli-from-command-line = from the command line
cli-from-environment = from the environment variable { $place }
cli-from-user-file = from { $place }
cli-from-machine-file = from { $place }
cli-from-default = by default
cli-from-nowhere = not found
cli-setting-saved = Written to { $file }.
cli-vault-next-start = It holds from the next start of Latchkey's agent, where you sign in anew. A sign-in that is kept now stays where it is: to delete it, run "latchkey reset --all" before the agent ends.
cli-privacy = This is everything that a check sends, with its present value. Passwords, file names and what you do in your products are never sent.
cli-agent-version = latchkey-agent { $version }, protocol { $protocol }
cli-agent-not-running = latchkey-agent is not running

## What went wrong

problem-agent-not-found = Latchkey is not running on this computer, and could not be started.
    .next = Install Latchkey again, or ask whoever looks after this computer.
problem-address-refused = The sign-in service gave an address that is not safe to open. It was not opened.
    .next = Tell your admin.
problem-file-unreadable = The file cannot be read.
    .next = Check its name and whether you may read it.
problem-no-licence = There is no licence on this computer that could be used offline.
    .next = Run "latchkey status" to see why.
problem-confirmation-required = This deletes something, and there is no terminal to ask you in.
    .next = Add --yes if you mean it.
problem-reset-incomplete = Not everything could be reset.
    .next = Try again. If it happens again, delete the rest by hand.
problem-unknown-setting = There is no such setting to write.
    .next = Write "language", "vault" or "proxy".
problem-unknown-language = There are no words in this language.
    .next = Choose en (English) or de (German).
problem-unknown-vault = A sign-in cannot be kept there.
    .next = Choose keyring (the system's keyring), file (encrypted by a passphrase) or memory (until the agent ends).
problem-unknown-proxy = This is no address of a proxy.
    .next = Write http://host:port, "system" (what the system says) or "direct" (none).
problem-terminal-required = There is no terminal to ask for the passphrase in.
    .next = Run it in a terminal, or put the passphrase into a file that LATCHKEY_VAULT_PASSPHRASE_FILE names.
problem-not-unlocked = Nothing was unlocked.
    .next = Run "latchkey unlock" when you have the passphrase.
problem-passphrases-differ = The two passphrases are not the same. Nothing was changed.
    .next = Try again.
problem-settings-not-saved = The setting could not be written.
    .next = Check the file that is named below.
problem-output-failed = The output could not be written.
    .next = Check whether the disk is full.
problem-unknown-command = There is no such command.
    .next = Run "latchkey help" to see which there are.

## Devices and sessions

cli-device-this = this computer
cli-device-in-use = in use
cli-device-without-place = holds no place
cli-devices-left = { $left ->
    [0] You can release no more devices today.
    [one] You can release one more device today.
   *[other] You can release { $left } more devices today.
}
cli-release-device = Release { $name }?
cli-release-device-means = Its place is free at once. Its licences and its sign-in end when it is next online.
cli-release-device-same = Its place goes over to this computer. If { $name } is another computer after all, it has to sign in again.
cli-release-device-done = { $name } is released.
