//! Who guesses codes: row A-79.

use hallpass_protocol::Timestamp;
use hallpass_testing::TestServer;

use super::steps::{asks_for_code, enrol, half_way, session_of, show_code, wrong};
use crate::accounts::{PASSWORD, is_in, log_in};

#[tokio::test]
async fn a_79_a_code_counts_once_in_its_window() {
    let server = TestServer::production("").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    let (app, _) = enrol(&server, &person, "ada").await;
    // The one that was shown when it was set up is used, too.
    let (other, page) = half_way(&server, "ada").await;
    let used = app.code_at(Timestamp::from_unix_seconds(
        hallpass_testing::server::START,
    ));
    let refused = show_code(&other, &page, &used).await;
    assert_eq!(refused.status, 422);
    assert!(
        refused.body.contains("it was used already"),
        "{}",
        refused.body
    );
    assert!(refused.body.contains("aria-invalid=\"true\""));
    let code = app.code(&server);
    assert!(is_in(&show_code(&other, &refused, &code).await));
    let (thief, page) = half_way(&server, "ada").await;
    for seconds in [0, 29, 30] {
        server.advance(seconds);
        let answer = show_code(&thief, &page, &code).await;
        assert_eq!(answer.status, 422, "{}", answer.body);
        assert!(session_of(&thief).is_none());
    }
    // The next one is another one.
    assert!(is_in(&show_code(&thief, &page, &app.code(&server)).await));
}

#[tokio::test]
async fn a_79_ten_guesses_lock_for_a_time_that_ends_by_itself() {
    let server = TestServer::production("").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    let (app, codes) = enrol(&server, &person, "ada").await;
    let (thief, page) = half_way(&server, "ada").await;
    let mut statuses = Vec::new();
    for n in 0..10 {
        let answer = show_code(&thief, &page, &wrong(&app, &server, n)).await;
        statuses.push(answer.status);
        if answer.status == 429 {
            let wait: u64 = answer.header("retry-after").parse().unwrap();
            assert!((1..=600).contains(&wait), "{wait}");
        }
    }
    assert_eq!(statuses, [422, 422, 422, 422, 422, 429, 429, 429, 429, 429]);
    // Neither the right code nor one on paper, nor another browser, is a way around it.
    let right = app.code(&server);
    assert_eq!(show_code(&thief, &page, &right).await.status, 429);
    let paper = thief
        .submit(&page, &[("method", "recovery_code"), ("code", &codes[0])])
        .await;
    assert_ne!(paper.status, 200);
    let (elsewhere, other) = half_way(&server, "ada").await;
    assert_eq!(show_code(&elsewhere, &other, &right).await.status, 429);
    assert!(session_of(&thief).is_none() && session_of(&elsewhere).is_none());
    // Whoever locks with a stolen password does not lock the owner out of the browser they use.
    let page = log_in(&person, "ada", PASSWORD).await;
    assert!(is_in(&show_code(&person, &page, &app.code(&server)).await));
    server.advance(601);
    let (person, page) = half_way(&server, "ada").await;
    assert!(is_in(&show_code(&person, &page, &app.code(&server)).await));
}

#[tokio::test]
async fn a_79_the_password_once_more_gives_no_guesses_back() {
    let server = TestServer::production("").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    let (app, _) = enrol(&server, &person, "ada").await;
    // In the owner's browser, and in one that nobody knows.
    for thief in [person, server.person()] {
        let mut statuses = Vec::new();
        for n in 0..7 {
            let page = log_in(&thief, "ada", PASSWORD).await;
            assert!(asks_for_code(&page), "{}", page.body);
            let answer = show_code(&thief, &page, &wrong(&app, &server, n)).await;
            statuses.push(answer.status);
        }
        assert_eq!(statuses, [422, 422, 422, 422, 422, 429, 429]);
    }
}
