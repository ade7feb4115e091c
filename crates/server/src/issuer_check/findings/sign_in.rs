//! What a sign-in in the browser needs, in the order in which it is needed.

use super::super::document::Document;
use super::super::probe::Reply;
use super::super::{Finding, Verdict};
use super::{finding, limited, missing, ok};
use crate::identity::fetchable;
use crate::jwt::Census;

/// What both the agent and the service verify.
const ALGORITHMS: [&str; 9] = [
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA",
];

pub(super) fn name(issuer: &str, document: &Document) -> Finding {
    const ABOUT: &str = "issuer";
    match document.text("issuer") {
        Some(named) if named == issuer => ok(ABOUT, "It names itself exactly so."),
        Some(named) => missing(ABOUT, format!("It names itself {named}: give exactly that.")),
        None => missing(ABOUT, "It does not name itself."),
    }
}

pub(super) fn endpoints(document: &Document) -> Finding {
    const ABOUT: &str = "endpoints";
    let needed = ["authorization_endpoint", "token_endpoint", "jwks_uri"];
    if let Some(absent) = needed.into_iter().find(|name| document.text(name).is_none()) {
        return missing(ABOUT, format!("There is no {absent}."));
    }
    let offered = [
        "device_authorization_endpoint",
        "revocation_endpoint",
        "end_session_endpoint",
        "introspection_endpoint",
    ];
    let unsafe_one = needed.into_iter().chain(offered).find_map(|name| {
        let address = document.text(name)?;
        fetchable(address).is_none().then_some((name, address))
    });
    match unsafe_one {
        Some((name, address)) => missing(
            ABOUT,
            format!("The {name} is {address}: it must be https. The agent refuses the whole issuer over it."),
        ),
        None => ok(ABOUT, "They are there, and nothing travels in the clear."),
    }
}

pub(super) fn code_flow(document: &Document) -> Finding {
    const ABOUT: &str = "code flow";
    let responds = document.lists("response_types_supported", "code");
    let grants = document.lists("grant_types_supported", "authorization_code");
    match (responds, grants) {
        (Some(false), _) | (_, Some(false)) => missing(
            ABOUT,
            "It does not offer the authorization code flow (response type code, grant type authorization_code).",
        ),
        (Some(true) | None, Some(true) | None) => ok(ABOUT, "Users can sign in in the browser."),
    }
}

pub(super) fn pkce(document: &Document) -> Finding {
    const ABOUT: &str = "PKCE";
    match document.lists("code_challenge_methods_supported", "S256") {
        Some(true) => ok(ABOUT, "S256."),
        Some(false) => missing(
            ABOUT,
            "It knows other methods than S256, and the agent uses S256 alone.",
        ),
        None => limited(
            ABOUT,
            "It does not say that it knows PKCE. The agent sends S256 always; make sure that the issuer demands it.",
        ),
    }
}

pub(super) fn public_client(document: &Document, reply: Option<Reply>) -> Finding {
    const ABOUT: &str = "public client";
    match reply {
        Some(Reply::Refused(error)) if error == "invalid_grant" => {
            ok(ABOUT, "It knows the client, and wants no secret of it.")
        }
        Some(Reply::Refused(error)) if matches!(error.as_str(), "invalid_client" | "unauthorized_client") => {
            missing(
                ABOUT,
                format!(
                    "It refuses the client ({error}): it does not know it, wants a secret of it, or does not let it use \
                     the code flow. Register a public, native client."
                ),
            )
        }
        Some(Reply::Refused(said) | Reply::Unclear(said)) => limited(
            ABOUT,
            format!(
                "Whether it takes the client cannot be told: it says {said:?} to a code that was made up."
            ),
        ),
        Some(Reply::Given) => missing(
            ABOUT,
            "It gives tokens for a code that was made up. Do not use it.",
        ),
        None => match document.lists("token_endpoint_auth_methods_supported", "none") {
            Some(true) => ok(ABOUT, "It serves clients without a secret."),
            Some(false) | None => limited(
                ABOUT,
                "It does not say that it serves clients without a secret (\"none\"). Some do all the same: --client-id ID \
                 tries it.",
            ),
        },
    }
}

pub(super) fn id_tokens(document: &Document) -> Finding {
    const ABOUT: &str = "ID tokens";
    let Some(offered) = document.list("id_token_signing_alg_values_supported") else {
        return limited(ABOUT, "It does not say how it signs them.");
    };
    let usable: Vec<_> = ALGORITHMS
        .into_iter()
        .filter(|name| offered.contains(name))
        .collect();
    if usable.is_empty() {
        let offered = offered.join(", ");
        missing(
            ABOUT,
            format!("It signs them with {offered}: nothing that is accepted."),
        )
    } else {
        ok(ABOUT, format!("Signed with {}.", usable.join(", ")))
    }
}

pub(super) fn keys(document: &Document, keys: Result<Census, String>) -> Finding {
    const ABOUT: &str = "keys";
    let keys = match keys {
        Ok(keys) => keys,
        Err(why) => return missing(ABOUT, format!("They cannot be had: {why}.")),
    };
    let by_algorithm: Vec<_> = keys
        .algorithms
        .iter()
        .map(|(algorithm, count)| format!("{algorithm}: {count}"))
        .collect();
    let mut words = match keys.usable {
        0 => "None is usable.".to_owned(),
        1 => format!("1 is usable ({}).", by_algorithm.join(", ")),
        many => format!("{many} are usable ({}).", by_algorithm.join(", ")),
    };
    if keys.symmetric > 0 {
        words += &format!(
            " Ignored: {} symmetric, which must never be published.",
            keys.symmetric
        );
    }
    if keys.others > 0 {
        words += &format!(" Ignored: {} of other kinds or for other purposes.", keys.others);
    }
    let offered = document.list("id_token_signing_alg_values_supported");
    let fits = |algorithm: &String| {
        offered
            .as_ref()
            .is_none_or(|offered| offered.contains(&algorithm.as_str()))
    };
    let offers_any = ALGORITHMS.iter().any(|name| fits(&(*name).to_owned()));
    if keys.usable > 0 && offers_any && !keys.algorithms.keys().any(fits) {
        words += " None of them fits the algorithms that it signs ID tokens with.";
        return missing(ABOUT, words);
    }
    finding(
        ABOUT,
        match (keys.usable, keys.symmetric) {
            (0, _) => Verdict::Missing,
            (_, 0) => Verdict::Ok,
            (_, _) => Verdict::Limited,
        },
        words,
    )
}

pub(super) fn email(document: &Document) -> Finding {
    const ABOUT: &str = "e-mail";
    let claims = document
        .list("claims_supported")
        .map(|claims| claims.contains(&"email") && claims.contains(&"email_verified"));
    match (claims, document.lists("scopes_supported", "email")) {
        (Some(true), _) | (None, Some(true)) => ok(
            ABOUT,
            "It names users by e-mail, and says whether that is verified.",
        ),
        (Some(false), _) | (None, Some(false) | None) => limited(
            ABOUT,
            "It does not say that it gives email and email_verified. Nobody gets a seat without a verified address in the ID \
             token, unless a company's issuer is believed about it (issuer add --address-claim).",
        ),
    }
}

pub(super) fn claims(document: &Document) -> Finding {
    const ABOUT: &str = "claims";
    if document.says("claims_parameter_supported") {
        ok(ABOUT, "It is asked to put the address into the ID token.")
    } else {
        limited(
            ABOUT,
            "It cannot be asked to put the address into the ID token (claims_parameter_supported): it must do so by itself.",
        )
    }
}
