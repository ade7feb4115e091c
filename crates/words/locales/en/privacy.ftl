### The fields that a check sends, by their stable names (`_` and `.` become `-`), and what each is for (.why).

field = { $field }
    .why = Sent with every check.
field-jti = Number of the request
    .why = Random, new each time. It binds the answer to the question.
field-agent = Version of Latchkey
    .why = So that the service answers in a form that this version reads.
field-device-name = Name of this computer
    .why = So that you recognise it in the list of your devices.
field-device-system = Operating system
    .why = So that you recognise the computer in the list of your devices.
field-products = Products, their versions, and which are open
    .why = The service answers for each of them.
field-id-token = Your sign-in: name and e-mail address
    .why = Only until the service has linked your account to your seat.
field-access-token = Your permission to ask
    .why = Issued by the sign-in service for one hour. It is never shown.
field-device-key = Public key of this device
    .why = A licence is bound to it. The private half stays in your keyring.
