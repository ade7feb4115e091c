//! An answer that goes on: read as it comes, bounded in its head, its lines and its silence.

use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use url::Url;

use super::{BODY_CAP, Http, HttpError, Response, Unreachable, error};

/// No stream goes on for longer; it is opened anew.
const LONGEST: Duration = Duration::from_secs(2 * 60 * 60);
/// A stream says something at least this often, if only that it is there.
const SILENT_FOR: Duration = Duration::from_secs(150);
/// The longest line, in bytes.
const LONGEST_LINE: usize = 16 * 1024;

/// What an address answered that was asked for a stream.
#[derive(Debug)]
pub enum Opened {
    /// The stream.
    Stream(Stream),
    /// Something else.
    Answer(Response),
}

/// A stream of lines.
#[derive(Debug)]
pub struct Stream {
    answer: reqwest::Response,
    host: String,
    /// What came of a line that has not ended.
    begun: Vec<u8>,
}

impl Http {
    /// `GET` of an event stream.
    ///
    /// # Errors
    /// [`HttpError`], when no acceptable answer came. Any status but a redirect is an answer.
    pub async fn open(&self, url: &Url, mut headers: HeaderMap) -> Result<Opened, HttpError> {
        headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        let host = url.host_str().unwrap_or_default().to_owned();
        let request = self
            .client_for(url)
            .await?
            .request(Method::GET, url.clone())
            .headers(headers);
        let answer = tokio::time::timeout(self.0.total, request.timeout(LONGEST).send()).await;
        let timed_out = |_| HttpError::Unreachable {
            host: host.clone(),
            kind: Unreachable::Timeout,
        };
        let unreachable = |error: reqwest::Error| self.unreachable(&host, &error);
        let mut answer = answer.map_err(timed_out)?.map_err(unreachable)?;
        if answer.status().is_redirection() {
            return Err(super::redirected(url, &answer));
        }
        let is_stream = answer
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.starts_with("text/event-stream"));
        if answer.status() == StatusCode::OK && is_stream {
            return Ok(Opened::Stream(Stream {
                answer,
                host,
                begun: Vec::new(),
            }));
        }
        let headers = std::mem::take(answer.headers_mut());
        let status = answer.status();
        let mut body = Vec::new();
        let rest = async {
            while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
                if body.len() + chunk.len() > BODY_CAP {
                    return Err(HttpError::TooLarge { host: host.clone() });
                }
                body.extend_from_slice(&chunk);
            }
            Ok(())
        };
        tokio::time::timeout(self.0.total, rest)
            .await
            .map_err(timed_out)??;
        Ok(Opened::Answer(Response {
            status,
            headers,
            body,
        }))
    }
}

impl Stream {
    /// The next whole lines, without their ends; `None` when the stream has ended.
    ///
    /// # Errors
    /// [`HttpError`], also where it falls silent or a line does not end.
    pub async fn lines(&mut self) -> Result<Option<Vec<String>>, HttpError> {
        let host = || self.host.clone();
        let chunk = tokio::time::timeout(SILENT_FOR, self.answer.chunk()).await;
        let chunk = chunk.map_err(|_| HttpError::Unreachable {
            host: host(),
            kind: Unreachable::Timeout,
        })?;
        let chunk = chunk.map_err(|error| HttpError::Unreachable {
            host: host(),
            kind: error::unreachable(&error),
        })?;
        let Some(chunk) = chunk else { return Ok(None) };
        let mut lines = Vec::new();
        for byte in chunk {
            match byte {
                b'\n' => lines.push(String::from_utf8_lossy(&std::mem::take(&mut self.begun)).into_owned()),
                b'\r' => {}
                byte if self.begun.len() < LONGEST_LINE => self.begun.push(byte),
                _ => return Err(HttpError::TooLarge { host: host() }),
            }
        }
        Ok(Some(lines))
    }
}
