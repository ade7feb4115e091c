// The library wants Node 22 for this one static method of the URL standard; Node 20 has all the rest of it.
URL.parse ??= (input, base) => (URL.canParse(input, base) ? new URL(input, base) : null);
