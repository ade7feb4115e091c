//! Requests that the device proves to be its own (RFC 9449).

use http::{HeaderMap, HeaderValue, header};
use latchkey_api::dpop;
use latchkey_core::time::Timestamp;
use url::Url;

use super::answer::problem;
use super::{Caller, Licensing, LicensingError};
use crate::http::Response;
use crate::random;

impl Licensing {
    /// A request with a device proof. A proof that was refused for its nonce or its time is made again, once each.
    pub(super) async fn proven<T: serde::Serialize + Sync>(
        &self,
        url: &Url,
        caller: &Caller<'_>,
        body: &T,
        now: impl Fn() -> Timestamp,
    ) -> Result<Response, LicensingError> {
        for last_try in [false, false, true] {
            let headers = self.headers("POST", url, caller, now().as_secs())?;
            let response = self.http.post_json(url, headers, body).await?;
            self.learn(caller.service, &response, now().as_secs());
            if !is_proof_refused(&response) || last_try {
                return Ok(response);
            }
        }
        Err(LicensingError::Unexpected("that no proof is good enough".into()))
    }

    pub(super) fn headers(
        &self,
        method: &str,
        url: &Url,
        caller: &Caller<'_>,
        now: i64,
    ) -> Result<HeaderMap, LicensingError> {
        let Caller { service, token, key } = *caller;
        let (nonce, ahead) = self.learned(service, |learned| (learned.nonce.clone(), learned.ahead));
        let iat = now.saturating_add(ahead);
        let unusable =
            |why: &str| LicensingError::Unexpected(format!("to a request that cannot be made: {why}"));
        let proof = dpop::make(
            key,
            method,
            url.as_str(),
            nonce.as_deref(),
            Some(token.expose()),
            iat,
            &random::id(),
        )
        .map_err(|error| unusable(&error.to_string()))?;
        let sensitive = |text: &str| {
            let mut value = HeaderValue::from_str(text)
                .map_err(|_| unusable("a token has characters no header may have"))?;
            value.set_sensitive(true);
            Ok::<_, LicensingError>(value)
        };
        let mut headers = HeaderMap::new();
        headers.insert(
            header::AUTHORIZATION,
            sensitive(&format!("Bearer {}", token.expose()))?,
        );
        headers.insert(dpop::HEADER, sensitive(&proof)?);
        Ok(headers)
    }

    pub(super) fn learn(&self, service: &str, response: &Response, now: i64) {
        let header = |name: &str| response.headers.get(name).and_then(|value| value.to_str().ok());
        let refused = problem(response).is_some_and(|problem| problem.code == "invalid_dpop_proof");
        let date = response.date().filter(|_| refused);
        self.learned(service, |learned| {
            if let Some(nonce) =
                header(dpop::NONCE_HEADER).filter(|nonce| !nonce.is_empty() && nonce.len() <= 512)
            {
                learned.nonce = Some(nonce.to_owned());
            }
            if let Some(date) = date {
                learned.ahead = date.as_second().saturating_sub(now);
            }
        });
    }
}

pub(super) fn is_proof_refused(response: &Response) -> bool {
    let problem = problem(response);
    problem.is_some_and(|problem| matches!(problem.code.as_str(), "use_dpop_nonce" | "invalid_dpop_proof"))
}
