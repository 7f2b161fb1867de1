//! The terminal, the browser and the ports of this machine.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

use hallpass_client::flow::{self, Way};

use super::check::Check;
use crate::commands::Context;

/// Looks around.
pub(super) fn look(ports: &[u16], context: &Context) -> Vec<Check> {
    let mut checks = vec![
        loopback("loopback.ipv4", Ipv4Addr::LOCALHOST.into()),
        loopback("loopback.ipv6", Ipv6Addr::LOCALHOST.into()),
    ];
    checks.extend(
        ports
            .iter()
            .filter(|port| **port != 0)
            .map(|port| callback_port(*port)),
    );
    checks.push(browser(context));
    checks.push(terminal(context));
    checks.push(proxy(context));
    checks
}

fn loopback(id: &'static str, address: std::net::IpAddr) -> Check {
    match TcpListener::bind(SocketAddr::new(address, 0)) {
        Ok(_) => Check::pass(id, ""),
        Err(error) if id == "loopback.ipv4" => Check::fail(id, error.to_string())
            .hint("a sign-in by browser needs it; `--device` does not"),
        Err(error) => {
            Check::warn(id, error.to_string()).hint("only `--callback-host localhost` needs it")
        }
    }
}

/// A port that is registered with the server must be free when somebody signs in.
fn callback_port(port: u16) -> Check {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
        Ok(_) => Check::pass("callback.port", port.to_string()),
        Err(error) => Check::warn("callback.port", format!("{port}: {error}"))
            .hint("free the port, or list more than one in callback_ports"),
    }
}

/// What a sign-in would do about a browser.
fn browser(context: &Context) -> Check {
    let surroundings = context.surroundings().attended();
    let decision = flow::decide_browser(&surroundings);
    let why: Vec<_> = decision.why.iter().map(|sign| sign.as_str()).collect();
    let named = context.environment.text("BROWSER");
    match decision.way {
        Way::Browser => Check::pass(
            "browser",
            match named {
                Some(_) => "the one that BROWSER names",
                None => "the system's",
            },
        ),
        _ => Check::warn(
            "browser",
            format!("none on this machine ({})", why.join(", ")),
        )
        .hint("`hallpass login` shows a code for another device"),
    }
}

fn terminal(context: &Context) -> Check {
    let style = context.output.style;
    let value = format!(
        "{}{}{}",
        if style.interactive {
            "somebody is there"
        } else {
            "nobody is there"
        },
        if style.color { ", color" } else { "" },
        if style.unicode { ", unicode" } else { "" },
    );
    if style.interactive {
        Check::pass("terminal", value)
    } else {
        Check::skip("terminal", value)
    }
}

/// Only whether one is named: its address may hold a password.
fn proxy(context: &Context) -> Check {
    let names = [
        "HTTPS_PROXY",
        "https_proxy",
        "ALL_PROXY",
        "all_proxy",
        "HTTP_PROXY",
        "http_proxy",
    ];
    let set: Vec<_> = names
        .into_iter()
        .filter(|name| context.environment.text(name).is_some())
        .collect();
    if set.is_empty() {
        Check::skip("proxy", "none")
    } else {
        Check::pass("proxy", set.join(", "))
    }
}
