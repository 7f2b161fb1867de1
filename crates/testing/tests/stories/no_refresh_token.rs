//! A sign-in that does not last: the person hears until when, by the clock on their wall.

use hallpass_testing::Terminal;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::home::Home;
use crate::server_process::{Server, user_code};

/// India, all year.
const ZONE: &str = "<+0530>-5:30";

#[tokio::test]
async fn who_gets_no_refresh_token_hears_at_what_time_of_day_they_are_asked_again() {
    let (server, home) = (Server::start(), Home::new());
    let mut command = home.hallpass(&server.login(&["--device", "--scope", "openid"]));
    command.env("TZ", ZONE);
    let terminal = Terminal::start(command, 100, 30);
    let code = terminal.wait_until("a user code", user_code);
    server.person().approve(&code, "ada").await;
    let ended = terminal.end();
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    let words = ended.text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (_, said) = words
        .split_once("(scope offline_access not granted): you will be asked again at ")
        .unwrap_or_else(|| panic!("{}", ended.text));

    let token = home.runs(&["token", "--json"]).json();
    let end: Timestamp = token["expires_at"].as_str().unwrap().parse().unwrap();
    let zone = TimeZone::posix(ZONE).unwrap();
    // The end is known to the second; the minute may change within it.
    let minutes = [-1, 0, 1].map(|seconds| {
        let at = (end + SignedDuration::from_secs(seconds)).to_zoned(zone.clone());
        at.strftime("%H:%M").to_string()
    });
    assert!(
        minutes.iter().any(|minute| said.starts_with(minute)),
        "{said:?} is none of {minutes:?}"
    );
}
