//! The first connection.

use ratatui::layout::Rect;

use super::field;
use super::lines::{Body, Help, Piece, Row};
use super::theme::Role;
use crate::domain::secret::SHORT;
use crate::wizard::model::Model;
use crate::wizard::screens::connect::{ConnectFocus, ConnectScreen, ENVIRONMENTS, Phase};
use crate::wizard::text_field::TextField;

/// Draws it.
pub fn body(model: &Model, area: Rect) -> Body {
    let mut body = Body::default();
    let (connect, wide) = (&model.connect, usize::from(area.width));
    let file = model.inventory.as_ref().and_then(|known| known.as_ref().ok());
    let mut focused = 0;
    let told = match file {
        Some(known) if known.has_inventory => format!("{} lists no cluster, and is never overwritten.", known.path),
        Some(known) => format!("There is no inventory yet; it will be {}.", known.path),
        None => "There is no inventory yet.".to_owned(),
    };
    body.push_wrapped(Role::Text, &told, 1, wide);
    for stop in ConnectFocus::ALL {
        let has_focus = connect.focus == stop;
        if has_focus {
            focused = body.lines.len();
        }
        let wrong = connect.visible_error(stop).is_some();
        match (stop, connect.text(stop)) {
            (ConnectFocus::Save | ConnectFocus::Use, _) => {}
            (stop, Some(text)) => field::draw(&mut body, label(stop), text, (has_focus, wrong), wide),
            (stop, None) => field::choices(&mut body, label(stop), has_focus, environments(connect), wide),
        }
    }
    let button = |stop: ConnectFocus, text: &str| {
        let role = if connect.focus == stop { Role::Focus } else { Role::Title };
        (role, format!("[ {text} ]"))
    };
    body.push(Row::from_pieces(vec![
        (Role::Text, "   ".to_owned()),
        button(ConnectFocus::Save, "Connect and save"),
        (Role::Text, "   ".to_owned()),
        button(ConnectFocus::Use, "Use without saving"),
    ]));
    match (&connect.phase, &connect.fault) {
        (Phase::Trying(_, login, _), _) => body.push_text(Role::Hint, format!(" connecting to {}", login.host)),
        (Phase::Saving(_, _, _, facts), _) => {
            let text = format!("{}  {}  {}", facts.cluster.version.with_build(), facts.cluster.method, "saving");
            body.push_wrapped(Role::Ok, &text, 1, wide);
        }
        (Phase::Typing, Some(fault)) => {
            body.push_wrapped(Role::Fail, &fault.what, 1, wide);
            body.push_wrapped(Role::Text, &fault.why, 1, wide);
            body.push_wrapped(Role::Text, &format!("Next: {}", fault.next), 1, wide);
        }
        (Phase::Typing, None) => {
            body.push_empty();
            body.push_text(Role::Disabled, " To try obnow without a cluster: obnow demo");
        }
    }
    // Where not all of it fits, what came of it is seen, as long as the focused field is too.
    let top = body.lines.len().saturating_sub(usize::from(area.height)).min(focused);
    body.lines.drain(..top);
    body.cursor = body.cursor.and_then(|(line, cell)| Some((line.checked_sub(top)?, cell)));
    body.help = match connect.visible_error(connect.focus) {
        Some(complaint) => Help::error(complaint),
        None if connect.focus == ConnectFocus::Password && is_short(connect) => Help::of(SHORT),
        None => Help::of(help(connect.focus)),
    };
    body
}

fn is_short(connect: &ConnectScreen) -> bool {
    connect.text(ConnectFocus::Password).and_then(TextField::as_secret).is_some_and(|password| password.is_short())
}

fn environments(connect: &ConnectScreen) -> Vec<Piece> {
    let choice = |(at, name): (usize, &&str)| {
        let mark = if at == connect.environment { "(*)" } else { "( )" };
        (Role::Text, format!("{mark} {}", if name.is_empty() { "none" } else { name }))
    };
    ENVIRONMENTS.iter().enumerate().map(choice).collect()
}

fn label(stop: ConnectFocus) -> &'static str {
    match stop {
        ConnectFocus::Name => "Name",
        ConnectFocus::Host => "Host",
        ConnectFocus::User => "User",
        ConnectFocus::Password => "Password",
        ConnectFocus::Environment => "Environment",
        ConnectFocus::Save | ConnectFocus::Use => "",
    }
}

fn help(stop: ConnectFocus) -> &'static str {
    match stop {
        ConnectFocus::Name => "What you call the cluster; empty: as its host",
        ConnectFocus::Host => "An observer or OBProxy: host or host:port (2881 without)",
        ConnectFocus::User => "root@sys, root@sys#cluster, or a tenant's administrator",
        ConnectFocus::Password => "Empty: it has no password; kept in memory, never saved",
        ConnectFocus::Environment => "Space changes it; prod asks before anything is interrupted",
        ConnectFocus::Save => "Enter tries the connection, and saves it once it works",
        ConnectFocus::Use => "Enter tries it and goes on; called by its host, not saved",
    }
}
