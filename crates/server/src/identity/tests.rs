//! Issuers that hang, and those who wait for them.

use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

use super::source::MOST_WAITING;
use super::*;

/// For so long is waited for what comes soon.
const SOON: Duration = Duration::from_secs(10);

fn identity() -> Identity {
    let _once = rustls::crypto::ring::default_provider().install_default();
    let timing = Timing {
        patience: Duration::from_secs(1),
        ..Timing::DEFAULT
    };
    Identity::new(timing).unwrap()
}

/// An issuer that takes connections and says nothing.
struct Silent(TcpListener);

impl Silent {
    async fn start() -> (Self, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        (Self(listener), url)
    }

    /// The next question, which is never answered.
    async fn question(&self) -> TcpStream {
        let question = tokio::time::timeout(SOON, self.0.accept()).await;
        question.expect("a question comes").unwrap().0
    }

    /// Whether nobody has asked once more.
    async fn is_left_alone(&self) -> bool {
        tokio::time::timeout(Duration::ZERO, self.0.accept())
            .await
            .is_err()
    }
}

#[tokio::test]
async fn whoever_goes_away_takes_the_question_with_them_from_nobody() {
    let (issuer, url) = Silent::start().await;
    let identity = identity();
    let question = tokio::select! {
        _ = identity.keys(&url, None) => panic!("nobody has answered"),
        question = issuer.question() => question,
    };
    let told = tokio::time::timeout(SOON, identity.keys(&url, None)).await;
    assert!(told.expect("it ends by itself").is_err());
    assert!(issuer.is_left_alone().await, "the first question stands for both");
    drop(question);
}

#[tokio::test]
async fn so_many_wait_for_one_issuer_and_nobody_elsewhere_notices() {
    let (issuer, url) = Silent::start().await;
    let identity = Arc::new(identity());
    let ask = || {
        let (identity, url) = (Arc::clone(&identity), url.clone());
        tokio::spawn(async move { identity.keys(&url, None).await.err() })
    };
    let waiting: Vec<_> = (0..MOST_WAITING).map(|_| ask()).collect();
    let question = issuer.question().await;
    assert_eq!(ask().await.unwrap(), Some(NotKnown::Overloaded(url.clone())));
    for one in waiting {
        let told = tokio::time::timeout(SOON, one).await.expect("it ends by itself");
        assert!(matches!(told.unwrap(), Some(NotKnown::Unavailable(_))));
    }
    assert!(
        issuer.is_left_alone().await,
        "one question stands for all of them"
    );
    drop(question);
}
