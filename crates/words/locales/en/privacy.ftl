### The fields that a check sends, by their stable names (`_` and `.` become `-`), and what each is for (.why).

field = { $field }
    .why = Sent with every check.
field-access-token = Your permission to ask
    .why = From the sign-in service, good for an hour at most. Never shown.
field-device-proof = Proof that this device asks
    .why = Signed anew each time with the key of this device, which stays in your keyring.
field-request-id = Number of the request
    .why = Random, new each time. It binds the answer to the question.
field-agent-version = Version of Latchkey
    .why = So that the service answers in a form that this version reads.
field-device-name = Name of this computer
    .why = So that you recognise it in the list of your devices.
field-device-system = Operating system
    .why = So that you recognise the computer in the list of your devices.
field-product = Product, its version, and whether it is open
    .why = The service answers for each product.
field-issuer = The sign-in service that you signed in at
    .why = So that the service knows whom to ask about your access.
field-id-token = Your sign-in, with your name and e-mail address
    .why = Only until the service has linked your account to your seat. Never shown.
field-session = What you want of a session that another of your devices has, or wants
    .why = In the one check that follows your click.
field-usage-sent = Minutes of use that were sent
    .why = The service has them; they are shown for a day after.
field-usage = Minutes of use
    .why = How long a product was in use online on a day. Offline minutes are never recorded.
