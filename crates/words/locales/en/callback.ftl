### The page that the browser shows when it comes back from signing in: how it ended, and what to do (.next).

callback-signed-in = You are signed in.
    .next = You can close this page.
callback-failed = The sign-in did not work.
    .next = You can close this page.
callback-not-ours = This page does not belong to an open sign-in.
    .next = Close it, and begin the sign-in again in Latchkey.
