//! Trials in a database: an SQLite file, or PostgreSQL where workers on several machines share a search.
//!
//! A worker *claims* a trial: it makes the row of the next number, which only one can, or takes over one whose *lease* has
//! run out because its worker died. While it trains, a heartbeat renews the lease. Results are written by the worker that
//! holds the trial only. Each statement is atomic; nothing else is locked.

mod database;

use super::{Problem, Proposal, Trial, Tuner};
use crate::error::{Error, Result};
use database::{Database, Value};
use std::time::Duration;

/// A trial may be given back so often; then it is what kills its workers.
const MOST_ATTEMPTS: i64 = 3;

const TABLES: [&str; 2] = [
    "CREATE TABLE IF NOT EXISTS nanotrig_searches (search TEXT PRIMARY KEY, name TEXT NOT NULL, recipe TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS nanotrig_trials (
        search TEXT NOT NULL, stage BIGINT NOT NULL, number BIGINT NOT NULL,
        choices TEXT NOT NULL, epochs BIGINT NOT NULL,
        state TEXT NOT NULL, attempts BIGINT NOT NULL, worker TEXT NOT NULL, lease BIGINT NOT NULL,
        metric DOUBLE PRECISION, cost DOUBLE PRECISION, score DOUBLE PRECISION, note TEXT NOT NULL, weights TEXT,
        PRIMARY KEY (search, stage, number))",
];

/// A row of the store.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// What its tuner knows.
    pub trial: Trial,
    /// How often a worker began it.
    pub attempts: i64,
    /// Who did, the last time.
    pub worker: String,
    /// The metric.
    pub metric: Option<f64>,
    /// The cost.
    pub cost: Option<f64>,
    /// Why it failed.
    pub note: String,
}

/// A trial that a worker holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Claimed {
    /// The search's stage.
    pub stage: u64,
    /// Its number.
    pub number: u64,
    /// What to train.
    pub proposal: Proposal,
    attempts: i64,
}

/// What a worker finds.
#[derive(Clone, Debug, PartialEq)]
pub enum Claim {
    /// A trial to train.
    Trial(Claimed),
    /// All that is left is under way elsewhere, or depends on it.
    Wait,
    /// Every trial has ended.
    Done,
}

/// How a trial ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ending {
    /// Metric, cost, score, and the weights as JSON.
    Scored(f64, f64, f64, String),
    /// Why there is none.
    Failed(String),
}

/// A search's trials.
pub struct Store {
    database: Database,
    search: String,
    worker: String,
    /// In ms.
    lease: i64,
}

impl Store {
    /// Opens a store, `postgres://..` or a file, for a search; tables are made where they are missing.
    ///
    /// # Errors
    /// The database cannot be reached or refuses.
    pub fn open(place: &str, search: &str, worker: &str, lease_s: f64) -> Result<Store> {
        let mut database = Database::open(place)?;
        for table in TABLES {
            // Two that make a table at once disagree about it, and the second try finds it made.
            database.run(table, &[]).or_else(|_| database.run(table, &[]))?;
        }
        Ok(Store { database, search: search.into(), worker: worker.into(), lease: (lease_s * 1000.0) as i64 })
    }

    /// Writes down what is searched, for people who look into the database.
    ///
    /// # Errors
    /// The database refuses.
    pub fn describe(&mut self, name: &str, recipe: &str) -> Result<()> {
        let insert =
            "INSERT INTO nanotrig_searches (search, name, recipe) VALUES ($1, $2, $3) ON CONFLICT (search) DO NOTHING";
        self.database.run(insert, &[text(&self.search), text(name), text(recipe)]).map(drop)
    }

    /// All trials of a stage, by number.
    ///
    /// # Errors
    /// The database refuses, or a row makes no sense.
    pub fn trials(&mut self, stage: u64) -> Result<Vec<Record>> {
        let select = "SELECT number, choices, state, attempts, worker, metric, cost, score, note FROM nanotrig_trials
            WHERE search = $1 AND stage = $2 ORDER BY number";
        self.database.run(select, &[text(&self.search), whole(stage)])?.iter().map(|row| record(row)).collect()
    }

    /// Claims the next trial.
    ///
    /// # Errors
    /// The database refuses.
    pub fn claim(&mut self, stage: u64, tuner: &Tuner, problem: &Problem) -> Result<Claim> {
        loop {
            match self.abandoned(stage)? {
                Some(claimed) if claimed.attempts > MOST_ATTEMPTS => {
                    let note = format!("{MOST_ATTEMPTS} workers died while they trained it");
                    self.finish(&claimed, &Ending::Failed(note))?;
                    continue;
                }
                Some(claimed) => return Ok(Claim::Trial(claimed)),
                None => {}
            }
            let known: Vec<Trial> = self.trials(stage)?.into_iter().map(|record| record.trial).collect();
            let count = (tuner.count)(problem);
            let free = (0..count).filter(|number| known.iter().all(|trial| trial.number != *number));
            let proposed =
                free.into_iter().find_map(|number| Some((number, (tuner.propose)(problem, number, &known)?)));
            match proposed {
                Some((number, proposal)) if self.insert(stage, number, &proposal)? => {
                    return Ok(Claim::Trial(Claimed { stage, number, proposal, attempts: 1 }));
                }
                // Another worker was faster.
                Some(_) => continue,
                None if known.iter().any(|trial| trial.running) || (known.len() as u64) < count => {
                    return Ok(Claim::Wait);
                }
                None => return Ok(Claim::Done),
            }
        }
    }

    /// Takes over a trial whose worker has not been heard of.
    fn abandoned(&mut self, stage: u64) -> Result<Option<Claimed>> {
        let update = "UPDATE nanotrig_trials SET worker = $1, attempts = attempts + 1, lease = {now} + $2
            WHERE search = $3 AND stage = $4 AND state = 'running' AND lease < {now} AND number = (
                SELECT MIN(number) FROM nanotrig_trials
                WHERE search = $3 AND stage = $4 AND state = 'running' AND lease < {now})
            RETURNING number, choices, epochs, attempts";
        let arguments = [text(&self.worker), Value::Integer(self.lease), text(&self.search), whole(stage)];
        let rows = self.database.run(update, &arguments)?;
        let Some([number, choices, epochs, attempts]) = rows.first().map(Vec::as_slice) else { return Ok(None) };
        let proposal = Proposal { choices: indexes(choices.text())?, epochs: epochs.integer() as u32 };
        Ok(Some(Claimed { stage, number: number.integer() as u64, proposal, attempts: attempts.integer() }))
    }

    /// Makes the row of a trial; false if there is one.
    fn insert(&mut self, stage: u64, number: u64, proposal: &Proposal) -> Result<bool> {
        let insert = "INSERT INTO nanotrig_trials
            (search, stage, number, choices, epochs, state, attempts, worker, lease, note)
            VALUES ($1, $2, $3, $4, $5, 'running', 1, $6, {now} + $7, '')
            ON CONFLICT (search, stage, number) DO NOTHING RETURNING number";
        let choices = serde_json::to_string(&proposal.choices).map_err(|error| Error::bug(error.to_string()))?;
        let arguments = [
            text(&self.search),
            whole(stage),
            whole(number),
            Value::Text(choices),
            whole(u64::from(proposal.epochs)),
            text(&self.worker),
            Value::Integer(self.lease),
        ];
        Ok(!self.database.run(insert, &arguments)?.is_empty())
    }

    /// Renews the lease of a trial; false if another worker has it by now.
    ///
    /// # Errors
    /// The database refuses.
    pub fn beat(&mut self, claimed: &Claimed) -> Result<bool> {
        let update = "UPDATE nanotrig_trials SET lease = {now} + $1
            WHERE search = $2 AND stage = $3 AND number = $4 AND worker = $5 AND attempts = $6 AND state = 'running'
            RETURNING number";
        let arguments = [Value::Integer(self.lease)].into_iter().chain(self.own(claimed)).collect::<Vec<_>>();
        Ok(!self.database.run(update, &arguments)?.is_empty())
    }

    /// How long a heartbeat may wait.
    pub fn pause(&self) -> Duration {
        Duration::from_millis((self.lease / 3).max(10) as u64)
    }

    /// What identifies a trial and the worker that holds it.
    fn own(&self, claimed: &Claimed) -> [Value; 5] {
        let (search, worker) = (text(&self.search), text(&self.worker));
        [search, whole(claimed.stage), whole(claimed.number), worker, Value::Integer(claimed.attempts)]
    }

    /// Writes a result; false if another worker has the trial by now. Weights are kept of the best trial only.
    ///
    /// # Errors
    /// The database refuses.
    pub fn finish(&mut self, claimed: &Claimed, ending: &Ending) -> Result<bool> {
        let update =
            "UPDATE nanotrig_trials SET state = $1, metric = $2, cost = $3, score = $4, note = $5, weights = $6
            WHERE search = $7 AND stage = $8 AND number = $9 AND worker = $10 AND attempts = $11 AND state = 'running'
            RETURNING number";
        let values = match ending {
            Ending::Scored(metric, cost, score, weights) => {
                [text("done"), Value::Real(*metric), Value::Real(*cost), Value::Real(*score), text(""), text(weights)]
            }
            Ending::Failed(note) => [text("failed"), Value::Null, Value::Null, Value::Null, text(note), Value::Null],
        };
        let arguments: Vec<Value> = values.into_iter().chain(self.own(claimed)).collect();
        let held = !self.database.run(update, &arguments)?.is_empty();
        let forget =
            "UPDATE nanotrig_trials SET weights = NULL WHERE search = $1 AND stage = $2 AND weights IS NOT NULL
            AND score < (SELECT MAX(score) FROM nanotrig_trials WHERE search = $1 AND stage = $2)";
        self.database.run(forget, &[text(&self.search), whole(claimed.stage)])?;
        Ok(held)
    }

    /// The weights of a trial, as JSON, if they are still there.
    ///
    /// # Errors
    /// The database refuses.
    pub fn weights(&mut self, stage: u64, number: u64) -> Result<Option<String>> {
        let select = "SELECT weights FROM nanotrig_trials WHERE search = $1 AND stage = $2 AND number = $3";
        let rows = self.database.run(select, &[text(&self.search), whole(stage), whole(number)])?;
        Ok(rows
            .first()
            .and_then(|row| row.first())
            .map(|value| value.text().to_string())
            .filter(|text| !text.is_empty()))
    }
}

fn text(value: &str) -> Value {
    Value::Text(value.to_string())
}

fn whole(value: u64) -> Value {
    Value::Integer(value as i64)
}

fn indexes(json: &str) -> Result<Vec<usize>> {
    let damaged = |error: serde_json::Error| {
        Error::user(format!("the store: {error}"), "its rows were written by something else")
    };
    serde_json::from_str(json).map_err(damaged)
}

fn record(row: &[Value]) -> Result<Record> {
    let [number, choices, state, attempts, worker, metric, cost, score, note] = row else {
        return Err(Error::bug("a row of the store has other columns"));
    };
    let trial = Trial {
        number: number.integer() as u64,
        choices: indexes(choices.text())?,
        score: score.real(),
        running: state.text() == "running",
    };
    let (metric, cost, note) = (metric.real(), cost.real(), note.text().to_string());
    Ok(Record { trial, attempts: attempts.integer(), worker: worker.text().into(), metric, cost, note })
}
