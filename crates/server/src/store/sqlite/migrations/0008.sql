-- What a sign-in in the browser asks the user for where it asks for offline access: consent, or omit for nothing.
ALTER TABLE issuers ADD COLUMN prompt TEXT NOT NULL DEFAULT 'consent';
