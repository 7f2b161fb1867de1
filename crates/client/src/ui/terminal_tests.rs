//! What a person sees.

use std::sync::Arc;

use super::*;

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

const FULL: TerminalStyle = TerminalStyle {
    interactive: true,
    live: true,
    color: true,
    unicode: true,
    size: Some((80, 40)),
    qr: true,
};

fn shown(style: TerminalStyle, prompts: &[Prompt]) -> String {
    let captured = Captured::default();
    let ui = TerminalUi::new(captured.clone(), style);
    for prompt in prompts {
        ui.write(prompt);
    }
    drop(ui);
    let bytes = captured.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

fn device_code() -> Prompt {
    Prompt::DeviceCode {
        host: "as.test".to_owned(),
        user_code: "WDJB-MJHT".to_owned(),
        verification_uri: Url::parse("https://as.test/device").unwrap(),
        verification_uri_complete: Some(
            Url::parse("https://as.test/device?user_code=WDJB-MJHT").unwrap(),
        ),
        expires_in: Duration::from_mins(15),
        interval: Duration::from_secs(5),
    }
}

fn waiting(seconds: u64) -> Prompt {
    Prompt::Waiting {
        left: Duration::from_secs(seconds),
        enter: false,
    }
}

#[test]
fn c_06_address_and_code_stand_on_lines_of_their_own_also_beside_a_qr_code() {
    for style in [
        FULL,
        TerminalStyle::PLAIN,
        TerminalStyle { size: None, ..FULL },
    ] {
        let text = shown(
            TerminalStyle {
                color: false,
                ..style
            },
            &[device_code()],
        );
        let plain = text
            .replace("\u{1b}]8;;https://as.test/device\u{1b}\\", "")
            .replace("\u{1b}]8;;\u{1b}\\", "");
        assert!(
            plain.lines().any(|line| line.trim() == "WDJB-MJHT"),
            "{text}"
        );
        assert!(
            plain
                .lines()
                .any(|line| line.trim() == "https://as.test/device"),
            "{text}"
        );
        assert!(plain.contains("15 min"));
    }
}

#[test]
fn a_qr_code_is_drawn_only_where_it_fits() {
    let has_code = |style| shown(style, &[device_code()]).contains('█');
    assert!(has_code(FULL));
    assert!(!has_code(TerminalStyle {
        size: Some((30, 40)),
        ..FULL
    }));
    assert!(!has_code(TerminalStyle {
        size: Some((80, 20)),
        ..FULL
    }));
    assert!(!has_code(TerminalStyle { size: None, ..FULL }));
    assert!(!has_code(TerminalStyle {
        live: false,
        ..FULL
    }));
    assert!(!has_code(TerminalStyle {
        unicode: false,
        ..FULL
    }));
    assert!(!has_code(TerminalStyle { qr: false, ..FULL }));
}

#[test]
fn the_waiting_line_is_replaced_in_place_and_vanishes() {
    let done = Prompt::Done {
        who: Some("ada".to_owned()),
        subject: None,
        refreshes: true,
        expires_in: None,
    };
    let text = shown(FULL, &[waiting(299), waiting(298), done]);
    assert_eq!(text.matches('\n').count(), 1);
    assert!(text.contains("4:59") && text.contains("4:58"));
    assert!(
        text.ends_with("\r\u{1b}[2K✔ Signed in as ada\n"),
        "{text:?}"
    );
}

#[test]
fn a_dumb_terminal_gets_plain_lines() {
    let done = Prompt::Done {
        who: None,
        subject: None,
        refreshes: false,
        expires_in: Some(Duration::from_mins(10)),
    };
    let text = shown(
        TerminalStyle::PLAIN,
        &[device_code(), waiting(900), waiting(899), done],
    );
    assert!(
        !text.contains('\u{1b}') && !text.contains('\r') && text.is_ascii(),
        "{text:?}"
    );
    assert_eq!(text.matches("Waiting").count(), 1);
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (_, time) = words.split_once("you will be asked again at ").unwrap();
    let (hours, minutes) = time.split(' ').next().unwrap().split_once(':').unwrap();
    assert!(hours.parse::<u8>().unwrap() < 24, "{text}");
    assert!(minutes.parse::<u8>().unwrap() < 60, "{text}");
    assert!(text.lines().all(|line| line.len() <= 80), "{text}");
}

#[test]
fn without_color_nothing_is_bold() {
    let text = shown(
        TerminalStyle {
            color: false,
            ..FULL
        },
        &[device_code()],
    );
    assert!(!text.contains("\u{1b}[1m") && !text.contains("\u{1b}[97"));
}

#[test]
fn the_address_is_shown_whether_or_not_a_browser_opens() {
    let url = Url::parse("https://as.test/authorize?x=1").unwrap();
    for browser in [BrowserStart::Starting, BrowserStart::NotTried] {
        let redirect_uri = "http://127.0.0.1:1/callback".to_owned();
        let prompt = Prompt::OpenUrl {
            host: "as.test".to_owned(),
            url: url.clone(),
            browser,
            redirect_uri,
            forward: None,
        };
        let text = shown(TerminalStyle::PLAIN, &[prompt]);
        assert!(
            text.lines().any(|line| line.trim() == url.as_str()),
            "{text}"
        );
    }
}

#[test]
fn c_70_a_remote_screen_numbers_its_ways_and_fits_forty_columns() {
    let narrow = TerminalStyle {
        size: Some((40, 24)),
        color: false,
        ..FULL
    };
    let open = Prompt::OpenUrl {
        host: "as.test".to_owned(),
        url: Url::parse("https://as.test/authorize?x=1").unwrap(),
        browser: BrowserStart::NotTried,
        redirect_uri: "http://127.0.0.1:8400/callback".to_owned(),
        forward: Some("ssh -L 8400:127.0.0.1:8400 box".to_owned()),
    };
    let flow = Prompt::Flow {
        way: Way::Remote,
        why: vec![Sign::SshConnection],
    };
    let prompts = [flow, device_code(), open, Prompt::PasteAddress];
    let plain = TerminalStyle {
        live: false,
        ..narrow
    };
    let text = shown(plain, &prompts);
    for expected in [
        "  1  Open\n       https://as.test/device\n",
        "  2  or forward a port:\n       ssh -L 8400:127.0.0.1:8400 box\n",
        "  3  Open that link yourself and paste\n",
    ] {
        assert!(text.contains(expected), "{expected:?} in:\n{text}");
    }
    let words: Vec<_> = text.split_whitespace().collect();
    assert!(
        words.join(" ").contains("Never paste it anywhere else"),
        "{text}"
    );
    assert!(
        text.lines().all(|line| line.chars().count() <= 40),
        "{text}"
    );
    let live = Prompt::Waiting {
        left: Duration::from_secs(299),
        enter: true,
    };
    assert!(shown(narrow, &[live]).contains("Waiting… 4:59, Enter: another way"));
}

#[test]
fn who_is_pasting_is_not_disturbed_by_the_clock() {
    let notice = Prompt::Notice {
        text: "wrong".to_owned(),
    };
    let done = Prompt::Done {
        who: None,
        subject: None,
        refreshes: true,
        expires_in: None,
    };
    let text = shown(
        FULL,
        &[
            Prompt::PasteAddress,
            waiting(299),
            notice,
            waiting(298),
            done,
        ],
    );
    assert!(!text.contains("4:59") && !text.contains("4:58"), "{text:?}");
    assert!(text.contains("! wrong\n> "), "{text:?}");
    assert!(text.ends_with("> \r\u{1b}[2K✔ Signed in\n"), "{text:?}");
}
