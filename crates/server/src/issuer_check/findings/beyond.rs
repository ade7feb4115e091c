//! What makes life easier or safer, and is not needed to sign in.

use super::super::Finding;
use super::super::document::Document;
use super::super::probe::Reply;
use super::{limited, ok};

const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

pub(super) fn refresh(document: &Document) -> Finding {
    const ABOUT: &str = "refresh";
    let grants = document.lists("grant_types_supported", "refresh_token");
    let scopes = document.lists("scopes_supported", "offline_access");
    match (grants, scopes) {
        (Some(false), _) => limited(
            ABOUT,
            "It gives no refresh tokens: users sign in again whenever their access token has ended and a check is due.",
        ),
        (_, Some(true)) => ok(ABOUT, "Users stay signed in (offline_access)."),
        (_, Some(false) | None) => limited(
            ABOUT,
            "It does not list the scope offline_access. If it gives no refresh token without, users sign in again whenever \
             their access token has ended and a check is due.",
        ),
    }
}

pub(super) fn device_code(document: &Document, reply: Option<Reply>) -> Finding {
    const ABOUT: &str = "device code";
    let offered = document.text("device_authorization_endpoint").is_some();
    match (
        offered,
        document.lists("grant_types_supported", DEVICE_GRANT),
        reply,
    ) {
        (false, _, _) | (_, Some(false), _) => limited(
            ABOUT,
            "Users cannot sign in by a code: not on a machine without a browser, and not from a remote shell.",
        ),
        (_, _, Some(Reply::Refused(said) | Reply::Unclear(said))) => limited(
            ABOUT,
            format!("It offers sign-in by a code, and not to this client: {said}."),
        ),
        (true, Some(true) | None, Some(Reply::Given) | None) => ok(ABOUT, "Users can sign in by a code."),
    }
}

pub(super) fn callbacks(document: &Document) -> Finding {
    const ABOUT: &str = "callbacks";
    if document.says("authorization_response_iss_parameter_supported") {
        ok(ABOUT, "They name the issuer (RFC 9207).")
    } else {
        limited(
            ABOUT,
            "They do not name the issuer (RFC 9207): one protection less against an issuer that plays another.",
        )
    }
}

/// A token that was made up is no error of the client's (RFC 7009 section 2.2): only what is said of the client counts.
pub(super) fn revocation(document: &Document, reply: Option<Reply>) -> Finding {
    const ABOUT: &str = "revocation";
    if let Some(Reply::Refused(said)) = reply
        && matches!(said.as_str(), "invalid_client" | "unauthorized_client")
    {
        return limited(
            ABOUT,
            format!(
                "It revokes tokens, and not for this client ({said}): signing out deletes those of the device, and cannot \
                 revoke them."
            ),
        );
    }
    offered(
        document,
        ABOUT,
        "revocation_endpoint",
        "Signing out revokes the refresh token.",
        "Signing out deletes the tokens of the device, and cannot revoke them.",
    )
}

pub(super) fn end_session(document: &Document) -> Finding {
    offered(
        document,
        "end session",
        "end_session_endpoint",
        "It can end the browser's session. Latchkey leaves that to the user.",
        "It cannot end the browser's session, which Latchkey leaves to the user anyway.",
    )
}

pub(super) fn introspection(document: &Document) -> Finding {
    const ABOUT: &str = "introspection";
    if document.text("introspection_endpoint").is_none() {
        return limited(
            ABOUT,
            "It cannot be asked about opaque access tokens: they have to be JWTs, perhaps by --resource or --audience.",
        );
    }
    match document.lists(
        "introspection_endpoint_auth_methods_supported",
        "client_secret_basic",
    ) {
        Some(false) => limited(
            ABOUT,
            "It can be asked about tokens, and not with client_secret_basic: access tokens have to be JWTs.",
        ),
        Some(true) | None => ok(ABOUT, "Its access tokens may be opaque (--token opaque)."),
    }
}

pub(super) fn dpop(document: &Document) -> Finding {
    const ABOUT: &str = "DPoP";
    match document.lists("dpop_signing_alg_values_supported", "ES256") {
        Some(true) => ok(
            ABOUT,
            "It can bind tokens to a device key. Leave that off for the agents' client: the agent takes bearer tokens.",
        ),
        Some(false) | None => ok(
            ABOUT,
            "It binds no tokens to a device key, and need not: every check carries the device's own proof.",
        ),
    }
}

fn offered(document: &Document, about: &'static str, endpoint: &str, with: &str, without: &str) -> Finding {
    if document.text(endpoint).is_some() {
        ok(about, with)
    } else {
        limited(about, without)
    }
}
