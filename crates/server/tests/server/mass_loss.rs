//! A list that was cut off in the middle, and what an administrator does about it (rule 18).

use std::io::Write as _;
use std::process::Stdio;
use std::time::Duration;

use latchkey_api::check::CheckAnswer;
use serde_json::{Value, json};

use crate::command::{ask, now, question, seed};
use crate::issuer::{Issuer, p256};
use crate::process::{Installation, Serving};

/// So many work at Studio Nord.
const PEOPLE: u8 = 6;

struct Studio {
    server: Installation,
    issuer: Issuer,
    serving: Serving,
    subscription: String,
}

impl Studio {
    /// Everybody has a seat, and has used it.
    async fn at_work() -> Self {
        let _once = rustls::crypto::ring::default_provider().install_default();
        let server = Installation::new();
        server.text(&["init"]);
        let issuer = Issuer::start().await;
        seed(&server, &issuer.url);
        server.text(&[
            "subscription",
            "add",
            "--organisation",
            "Studio Nord",
            "--product",
            "ATLAS",
            "--seats",
            "20",
        ]);
        let subscriptions = server.json(&["subscription", "list"]);
        let large = |one: &&Value| one["seats"] == 20;
        let subscription = subscriptions.as_array().unwrap().iter().find(large).unwrap();
        let subscription = subscription["id"].as_str().unwrap().to_owned();
        let studio = Self {
            serving: server.serve(&["--listen", "127.0.0.1:0"]),
            server,
            issuer,
            subscription,
        };
        for one in 1..=PEOPLE {
            let address = email(one);
            studio
                .server
                .text(&["user", "add", &address, "--organisation", "Studio Nord"]);
        }
        studio.import(1..=PEOPLE);
        for one in 1..=PEOPLE {
            studio.is_licensed(one).await;
        }
        studio
    }

    /// The list as it is now.
    fn import(&self, people: impl Iterator<Item = u8>) -> Value {
        let list = self.server.data().join("list");
        let addresses: Vec<String> = people.map(email).collect();
        std::fs::write(
            &list,
            format!("\u{feff}{}\r\n\r\n# Studio Nord\n", addresses.join("\r\n")),
        )
        .unwrap();
        self.server
            .json(&["seat", "import", &self.subscription, list.to_str().unwrap()])
    }

    async fn check(&self, one: u8) -> reqwest::Response {
        let sub = format!("user-{one}");
        let token = self.issuer.access_token(&sub, now());
        let body = question(&self.issuer, &sub, &email(one));
        ask(&self.serving.url(), &p256(one), &token, &body).await
    }

    async fn is_licensed(&self, one: u8) {
        let answer: CheckAnswer = self.check(one).await.json().await.unwrap();
        assert!(answer.products[0].lease.is_some(), "{one} has a seat");
    }

    async fn is_refused(&self, one: u8) {
        let answer: CheckAnswer = self.check(one).await.json().await.unwrap();
        assert!(answer.products[0].refusal.is_some(), "{one} has no seat");
    }

    /// Neither a lease nor a refusal, and no time to come back: who has a lease goes on with it.
    async fn is_held(&self, one: u8) {
        let answer = self.check(one).await;
        assert_eq!(answer.status(), 503);
        assert!(!answer.headers().contains_key("Retry-After"));
        let problem: Value = answer.json().await.unwrap();
        assert_eq!(problem["code"], "seats_held");
        assert!(problem.get("refusal").is_none());
    }
}

fn email(one: u8) -> String {
    format!("user-{one}@nord.example")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_was_cut_off_stops_nobody_until_somebody_says_so() {
    let studio = Studio::at_work().await;
    let imported = studio.import(1..=1);
    assert_eq!(imported["lost"].as_array().unwrap().len(), 5);
    assert_eq!(imported["held"], "Studio Nord");
    let holds = studio.server.json(&["hold", "list"]);
    assert_eq!((&holds[0]["lost"], &holds[0]["active"]), (&json!(5), &json!(6)));
    studio.is_licensed(1).await;
    for one in 2..=PEOPLE {
        studio.is_held(one).await;
    }

    // A mistake: everybody has the seat again, with nothing lost.
    studio.server.text(&["hold", "give-back", "Studio Nord"]);
    for one in 1..=PEOPLE {
        studio.is_licensed(one).await;
    }
    assert_eq!(studio.server.json(&["hold", "list"]), json!([]));

    // No mistake.
    studio.import(1..=1);
    studio.is_held(2).await;
    let confirmed = studio.server.json(&["hold", "confirm", "Studio Nord"]);
    let lost: Vec<String> = (2..=PEOPLE).map(email).collect();
    assert_eq!(confirmed["lost"], json!(lost));
    studio.is_licensed(1).await;
    for one in 2..=PEOPLE {
        studio.is_refused(one).await;
    }
}

/// However long it takes to come: the command has begun long before.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_counts_from_when_it_is_there() {
    let studio = Studio::at_work().await;
    let mut import = studio
        .server
        .command(&["seat", "import", &studio.subscription, "-"]);
    let mut import = import
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let comes_at = now();
    let mut list = import.stdin.take().unwrap();
    writeln!(list, "{}", email(1)).unwrap();
    drop(list);
    assert!(import.wait().unwrap().success());
    let holds = studio.server.json(&["hold", "list"]);
    let since = holds[0]["since"].as_i64().unwrap();
    assert!(since >= comes_at, "{since} is before {comes_at}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_administrator_takes_away_is_not_held() {
    let studio = Studio::at_work().await;
    for one in 1..=PEOPLE {
        studio.server.text(&["seat", "unassign", &email(one), "ATLAS"]);
        studio.is_refused(one).await;
    }
    assert_eq!(studio.server.json(&["hold", "list"]), json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_cannot_be_understood_changes_nothing() {
    let studio = Studio::at_work().await;
    let list = studio.server.data().join("bad");
    let import = ["seat", "import", &studio.subscription, list.to_str().unwrap()];
    for (text, says) in [
        ("# nobody\n", "names nobody"),
        ("user-1@nord.example\nuser 2\n", "line 2"),
    ] {
        std::fs::write(&list, text).unwrap();
        let (status, message) = studio.server.fails(&import);
        assert_eq!(status, 2, "{message}");
        assert!(message.contains(says), "{message}");
    }
    std::fs::remove_file(&list).unwrap();
    let (status, message) = studio.server.fails(&import);
    assert!(status == 2 && message.contains("bad"), "{message}");
    let (status, message) = studio.server.fails(&["hold", "confirm", "Studio Nord"]);
    assert!(status == 3 && message.contains("Studio Nord"), "{message}");
    for one in 1..=PEOPLE {
        studio.is_licensed(one).await;
    }
}
