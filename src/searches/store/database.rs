//! One SQL layer over SQLite and PostgreSQL: statements are written once, with `$1` for arguments and `{now}` for the time.

use crate::error::{Error, Result};
use bytes::BytesMut;
use postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use postgres::{Client, NoTls};
use rusqlite::Connection;
use rusqlite::types::{ToSqlOutput, ValueRef};
use std::time::Duration;

/// A value of a column.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing.
    Null,
    /// BIGINT.
    Integer(i64),
    /// DOUBLE PRECISION.
    Real(f64),
    /// TEXT.
    Text(String),
}

/// A database that is open.
pub enum Database {
    /// A file.
    Sqlite(Connection),
    /// A server, and its URL.
    Postgres(Box<Client>, String),
}

/// How long a statement waits for another process's, in seconds.
const PATIENCE: u64 = 60;
/// The time in ms since 1970, by the clock of the database, which all workers share.
const NOW: [&str; 2] = [
    "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
    "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)",
];

fn failed(error: impl std::fmt::Display) -> Error {
    Error::user(format!("the store: {error}"), "check that the database is there and may be written to")
}

/// PostgreSQL says what is wrong in the error's source.
fn refused(error: postgres::Error) -> Error {
    match error.as_db_error() {
        Some(reason) => failed(reason),
        None => failed(std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string)),
    }
}

impl Database {
    /// Opens `postgres://..`, or a file of SQLite, which is made if it is not there.
    ///
    /// # Errors
    /// The server cannot be reached, or the file is no database.
    pub fn open(place: &str) -> Result<Database> {
        if place.starts_with("postgres://") || place.starts_with("postgresql://") {
            let client = Client::connect(place, NoTls).map_err(refused)?;
            return Ok(Database::Postgres(Box::new(client), place.to_string()));
        }
        let connection = Connection::open(place).map_err(failed)?;
        connection.busy_timeout(Duration::from_secs(PATIENCE)).map_err(failed)?;
        connection.pragma_update(None, "journal_mode", "wal").map_err(failed)?;
        Ok(Database::Sqlite(connection))
    }

    /// Runs a statement and gives its rows; a connection that has gone is opened again, once.
    ///
    /// # Errors
    /// The database refuses it, or is gone.
    pub fn run(&mut self, statement: &str, arguments: &[Value]) -> Result<Vec<Vec<Value>>> {
        if let Database::Postgres(client, place) = self
            && client.is_closed()
        {
            **client = Client::connect(place, NoTls).map_err(refused)?;
        }
        match self {
            Database::Sqlite(connection) => {
                let statement = statement.replace("{now}", NOW[0]).replace('$', "?");
                let mut prepared = connection.prepare_cached(&statement).map_err(failed)?;
                let columns = prepared.column_count();
                let mut rows = prepared.query(rusqlite::params_from_iter(arguments)).map_err(failed)?;
                let mut found = Vec::new();
                while let Some(row) = rows.next().map_err(failed)? {
                    let value = |at| row.get_ref(at).map(Value::from).map_err(failed);
                    found.push((0..columns).map(value).collect::<Result<_>>()?);
                }
                Ok(found)
            }
            Database::Postgres(client, _) => {
                let arguments: Vec<&(dyn ToSql + Sync)> = arguments.iter().map(|value| value as _).collect();
                let rows = client.query(&statement.replace("{now}", NOW[1]), &arguments).map_err(refused)?;
                rows.iter().map(|row| (0..row.len()).map(|at| column(row, at)).collect()).collect()
            }
        }
    }
}

/// A column of PostgreSQL's.
fn column(row: &postgres::Row, at: usize) -> Result<Value> {
    let value = match *row.columns()[at].type_() {
        Type::INT8 => row.try_get::<_, Option<i64>>(at).map(|value| value.map(Value::Integer)),
        Type::FLOAT8 => row.try_get::<_, Option<f64>>(at).map(|value| value.map(Value::Real)),
        _ => row.try_get::<_, Option<String>>(at).map(|value| value.map(Value::Text)),
    };
    Ok(value.map_err(refused)?.unwrap_or(Value::Null))
}

impl From<ValueRef<'_>> for Value {
    fn from(value: ValueRef<'_>) -> Value {
        match value {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(value) => Value::Integer(value),
            ValueRef::Real(value) => Value::Real(value),
            ValueRef::Text(value) | ValueRef::Blob(value) => Value::Text(String::from_utf8_lossy(value).into_owned()),
        }
    }
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Value::Null => ToSqlOutput::Borrowed(ValueRef::Null),
            Value::Integer(value) => ToSqlOutput::Borrowed(ValueRef::Integer(*value)),
            Value::Real(value) => ToSqlOutput::Borrowed(ValueRef::Real(*value)),
            Value::Text(value) => ToSqlOutput::Borrowed(ValueRef::Text(value.as_bytes())),
        })
    }
}

impl ToSql for Value {
    fn to_sql(
        &self,
        of: &Type,
        out: &mut BytesMut,
    ) -> std::result::Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Value::Null => Ok(IsNull::Yes),
            Value::Integer(value) => value.to_sql(of, out),
            Value::Real(value) => value.to_sql(of, out),
            Value::Text(value) => value.to_sql(of, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl Value {
    /// The integer; 0 where it is none.
    pub fn integer(&self) -> i64 {
        if let Value::Integer(value) = self { *value } else { 0 }
    }

    /// The number, if there is one.
    pub fn real(&self) -> Option<f64> {
        match self {
            Value::Real(value) => Some(*value),
            Value::Integer(value) => Some(*value as f64),
            _ => None,
        }
    }

    /// The text; empty where there is none.
    pub fn text(&self) -> &str {
        if let Value::Text(value) = self { value } else { "" }
    }
}
