//! The header: proof of the target, and where on the way one is.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::text::{fit, width};
use super::theme::{Role, Theme};
use crate::domain::facts::Facts;
use crate::domain::target::TargetName;
use crate::wizard::model::{Model, Screen};

/// What the header proves about: the targets and the cluster's name.
fn shown_targets(model: &Model) -> (Vec<TargetName>, Option<String>) {
    let of = |targets: Vec<TargetName>| {
        let cluster = targets.first().map(|target| target.cluster().to_owned());
        (targets, cluster)
    };
    match model.screen {
        Screen::Task => {
            let task = model.task.as_ref();
            let targets = task.map(|task| task.view.targets.iter().map(|target| target.target.clone()).collect());
            of(targets.unwrap_or_default())
        }
        Screen::Target if model.list.marked.is_empty() => {
            of(model.focused_row().map(|(_, row)| row.target.clone()).into_iter().collect())
        }
        Screen::Target => of(model.list.marked.iter().cloned().collect()),
        Screen::Detected | Screen::Storage | Screen::Mode | Screen::Confirm => {
            of(model.draft.as_ref().map(|draft| draft.targets.clone()).unwrap_or_default())
        }
        Screen::Connect | Screen::Tasks => (Vec::new(), None),
    }
}

fn join_targets(targets: &[TargetName]) -> String {
    match targets {
        [] => String::new(),
        [only] => match only.tenant() {
            Some(tenant) => format!("{} / {tenant}", only.cluster()),
            None => format!("{} (cluster)", only.cluster()),
        },
        [first, ..] => format!("{} ({} tenants)", first.cluster(), targets.len()),
    }
}

/// Identity, role and version of what is shown.
fn identity_texts(facts: &Facts, targets: &[TargetName]) -> Vec<String> {
    let mut parts = Vec::new();
    let tenant = match targets {
        [only] => only.tenant().and_then(|name| facts.tenant(name)),
        _ => None,
    };
    match tenant {
        Some(tenant) => {
            parts.push(format!("tenant {}", tenant.id));
            parts.push(tenant.role.word().to_owned());
        }
        None => parts.extend(facts.cluster.id.map(|id| format!("cluster {id}"))),
    }
    parts.push(facts.cluster.version.to_string());
    parts.push(facts.cluster.endpoint.clone());
    parts
}

/// Which target, proven by what it said of itself.
pub fn draw_identity(model: &Model, theme: Theme, area: Rect, frame: &mut Frame<'_>) {
    let (targets, cluster) = shown_targets(model);
    let cluster = cluster.and_then(|name| model.cluster(&name));
    let environment = cluster.and_then(|cluster| cluster.summary.environment.clone());
    let mut parts = vec![join_targets(&targets)];
    match cluster.and_then(|cluster| cluster.facts()) {
        Some(facts) => parts.extend(identity_texts(facts, &targets)),
        None => parts.extend(cluster.and_then(|cluster| cluster.summary.endpoints.first().cloned())),
    }
    parts.retain(|part| !part.is_empty());
    let (badge, badge_style) = match &environment {
        Some(name) => (format!(" {} ", name.to_uppercase()), theme.environment(name)),
        None => (String::new(), theme.style(Role::Text)),
    };
    let demo = model.demo.as_ref().map(|scenario| format!("  demo: {scenario}  ")).unwrap_or_default();
    let room = usize::from(area.width).saturating_sub(8 + width(&badge) + width(&demo));
    // What fits, whole parts only: half an address proves nothing.
    let mut shown = String::new();
    for part in parts {
        let more = if shown.is_empty() { part } else { format!("{shown}  {part}") };
        if shown.is_empty() {
            shown = fit(&more, room);
        } else if width(&more) <= room {
            shown = more;
        }
    }
    let left = usize::from(area.width).saturating_sub(8 + width(&shown) + width(&demo) + width(&badge));
    let line = Line::from(vec![
        Span::styled(" obnow  ", theme.style(Role::Title)),
        Span::raw(shown),
        Span::raw(" ".repeat(left)),
        Span::styled(demo, theme.style(Role::Hint)),
        Span::styled(badge, badge_style),
    ]);
    frame.render_widget(line, area);
}

/// The screens of the way, and which one this is.
pub fn draw_steps(model: &Model, theme: Theme, area: Rect, frame: &mut Frame<'_>) {
    let mut spans = Vec::new();
    if Screen::STEPS.contains(&model.screen) {
        for (number, screen) in (1..).zip(Screen::STEPS) {
            let here = screen == model.screen;
            let name = screen.name();
            let text = if here { format!("[{number} {name}]") } else { format!(" {number} {name} ") };
            spans.push(Span::styled(text, theme.style(if here { Role::Title } else { Role::Disabled })));
        }
    } else {
        spans.push(Span::styled(format!("[{}]", model.screen.name()), theme.style(Role::Title)));
    }
    frame.render_widget(Line::from(spans), area);
}
