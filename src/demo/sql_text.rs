//! Renders an `ALTER SYSTEM` in one canonical spelling, for the log of statements and for matching: names quoted, keys masked.

use super::statement::{Alter, BackupScope, Literal, Preview, Tenants, Until};

/// Renders the statement as the log shows it.
#[must_use]
pub fn render(alter: &Alter) -> String {
    let sql = match alter {
        Alter::Set { items, tenants } => {
            let item = |(name, value): &(String, Literal)| format!("{} = {}", name.to_uppercase(), literal_text(value));
            format!("SET {}{}", items.iter().map(item).collect::<Vec<_>>().join(", "), tenants_clause(tenants))
        }
        Alter::ArchiveLog { on, tenants, description } => {
            let no = if *on { "" } else { "NO" };
            format!("{no}ARCHIVELOG{}{}", tenants_clause(tenants), description_clause(description.as_deref()))
        }
        Alter::Backup { incremental, scope, to, plus_archivelog, description } => {
            let incremental = if *incremental { " INCREMENTAL" } else { "" };
            let scope = match scope {
                BackupScope::Database => " DATABASE".to_owned(),
                BackupScope::Tenants(names) => tenants_clause(&Tenants::Listed(names.clone())),
            };
            let to = to.as_ref().map_or_else(String::new, |to| format!(" TO {}", quoted(&mask_keys(to))));
            let plus = if *plus_archivelog { " PLUS ARCHIVELOG" } else { "" };
            format!("BACKUP{incremental}{scope}{to}{plus}{}", description_clause(description.as_deref()))
        }
        Alter::CancelBackup(tenants) => format!("CANCEL BACKUP{}", tenants_clause(tenants)),
        Alter::MajorFreeze(tenants) => format!("MAJOR FREEZE{}", tenants_clause(tenants)),
        Alter::MinorFreeze => "MINOR FREEZE".to_owned(),
        Alter::CancelAll => "CANCEL ALL BACKUP FORCE".to_owned(),
        Alter::CancelDelete => "CANCEL DELETE BACKUP".to_owned(),
        Alter::PreviewRestore(preview) => restore_text(preview),
        Alter::Refused { code, .. } => format!("(refused by the grammar: {code})"),
    };
    format!("ALTER SYSTEM {sql}")
}

fn restore_text(preview: &Preview) -> String {
    let from = quoted(&mask_keys(&preview.from));
    let time = |time: &str| quoted(time);
    match (&preview.legacy, &preview.until) {
        (Some(old), Until::Time(at)) => format!(
            "RESTORE {} FROM {} AT {from} UNTIL {} WITH {} PREVIEW",
            old.tenant,
            old.source,
            time(at),
            quoted(&old.options)
        ),
        (_, Until::Time(at)) => format!("RESTORE FROM {from} UNTIL TIME = {} PREVIEW", time(at)),
        (_, Until::Scn(scn)) => format!("RESTORE FROM {from} UNTIL SCN = {scn} PREVIEW"),
        (_, Until::Latest) => format!("RESTORE FROM {from} PREVIEW"),
    }
}

fn tenants_clause(tenants: &Tenants) -> String {
    match tenants {
        Tenants::Unnamed => String::new(),
        Tenants::Keyword(word) => format!(" TENANT = {word}"),
        Tenants::Listed(names) => {
            format!(" TENANT = {}", names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", "))
        }
    }
}

fn description_clause(description: Option<&str>) -> String {
    description.map_or_else(String::new, |text| format!(" DESCRIPTION = {}", quoted(text)))
}

fn literal_text(value: &Literal) -> String {
    match value {
        Literal::Integer(number) => number.to_string(),
        Literal::Text(text) => quoted(&mask_keys(text)),
        Literal::Null => "NULL".to_owned(),
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Returns the text with the value of every `access_key=` replaced by `***`.
fn mask_keys(text: &str) -> String {
    const KEY: &str = "access_key=";
    let mut parts = text.split(KEY);
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(['&', ' ', ',']).unwrap_or(part.len());
        shown += KEY;
        shown += "***";
        shown += &part[end..];
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_never_in_the_log() {
        let value = "LOCATION=oss://b/p?host=h&access_id=A&access_key=SECRET&delete_mode=delete BINDING=Optional";
        let items = vec![("log_archive_dest".to_owned(), Literal::Text(value.to_owned()))];
        let sql = render(&Alter::Set { items, tenants: Tenants::Listed(vec!["pay".to_owned()]) });
        assert_eq!(
            sql,
            "ALTER SYSTEM SET LOG_ARCHIVE_DEST = 'LOCATION=oss://b/p?host=h&access_id=A&access_key=***\
             &delete_mode=delete BINDING=Optional' TENANT = 'pay'"
        );
    }

    #[test]
    fn a_backup_is_said_in_the_order_of_its_clauses() {
        let backup = Alter::Backup {
            incremental: true,
            scope: BackupScope::Tenants(vec!["pay".to_owned(), "it's".to_owned()]),
            to: None,
            plus_archivelog: true,
            description: Some("obnow 1.1".to_owned()),
        };
        assert_eq!(
            render(&backup),
            "ALTER SYSTEM BACKUP INCREMENTAL TENANT = 'pay', 'it''s' PLUS ARCHIVELOG DESCRIPTION = 'obnow 1.1'"
        );
    }
}
