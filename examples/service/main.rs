//! A service with a kept pool: each request is a graph that is awaited under tokio.
//!
//! ```text
//!   request "2013" ─▶ hottest ─┐
//!                     wettest ─┼─▶ summary ─▶ response
//!                     wet days ┘
//! ```
//!
//! Each worker loads the weather once, before its first task, and keeps it between requests; a request sends only its
//! year. A request that cannot be answered, or that makes a task panic, gets a message, and the service continues.
//!
//! `cargo run --release --example service` sends itself a few requests and ends.
//! `cargo run --release --example service -- 127.0.0.1:7878` serves until it is stopped. Send a request with
//! `echo 2013 | nc 127.0.0.1 7878`.

#[path = "../seattle_weather/data.rs"]
#[allow(dead_code, reason = "this example needs less of it than the other")]
mod data;

use ampeg::{Error, Pool, graph};
use data::{Day, read_days};
use std::net::SocketAddr;
use std::sync::OnceLock;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

const DATA: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/examples/data/seattle-weather.csv"
);

/// All days. Each worker loads them once.
static DAYS: OnceLock<Vec<Day>> = OnceLock::new();

fn load_days() -> Result<(), String> {
    let days = read_days(DATA)?;
    DAYS.get_or_init(|| days);
    Ok(())
}

/// The days of a year.
fn days_of(year: u32) -> Result<Vec<&'static Day>, String> {
    let days = DAYS.get().ok_or("the worker has no data")?;
    let of_year: Vec<_> = days.iter().filter(|day| day.year == year).collect();
    if of_year.is_empty() {
        return Err(format!("there is no weather of {year}"));
    }
    Ok(of_year)
}

graph! {
    /// The weather of a year.
    fn summary(year: u32) -> Summary {
        hottest = days_of(year)?.iter().map(|day| day.high).fold(f64::MIN, f64::max);
        wettest = days_of(year)?.iter().map(|day| day.precipitation).fold(0.0, f64::max);
        wet = days_of(year)?.iter().filter(|day| day.is_wet()).count();
        /// One line of text.
        pub text: String = format!("{year}: at most {hottest} °C, {wet} wet days, up to {wettest} mm");
    }
}

async fn answer(pool: &Pool, request: &str) -> Result<String, Error> {
    let year = request.trim().parse().map_err(Error::new)?;
    let run = pool.start(&summary(year))?;
    Ok(run.await?.text?)
}

async fn serve(pool: Pool, mut stream: TcpStream) -> std::io::Result<()> {
    let (reader, mut writer) = stream.split();
    let mut lines = BufReader::new(reader).lines();
    while let Some(request) = lines.next_line().await? {
        let response = match answer(&pool, &request).await {
            Ok(text) => text,
            Err(error) => format!("error: {error}"),
        };
        writer.write_all(format!("{response}\n").as_bytes()).await?;
    }
    Ok(())
}

async fn ask(address: SocketAddr, requests: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(requests.as_bytes()).await?;
    stream.shutdown().await?;
    let mut responses = String::new();
    stream.read_to_string(&mut responses).await?;
    Ok(responses)
}

async fn accept(pool: Pool, listener: TcpListener) -> std::io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        let pool = pool.clone();
        tokio::spawn(async move {
            if let Err(error) = serve(pool, stream).await {
                eprintln!("a client is gone: {error}");
            }
        });
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pool = Pool::builder()
        .processes(2)
        .on_worker_start(load_days)
        .build()?;
    let given = std::env::args().nth(1);
    let listener = TcpListener::bind(given.as_deref().unwrap_or("127.0.0.1:0")).await?;
    let address = listener.local_addr()?;
    if given.is_some() {
        println!("serving on {address}");
        return Ok(accept(pool, listener).await?);
    }
    tokio::spawn(accept(pool, listener));
    let (one, two) = tokio::try_join!(
        ask(address, "2012\n2013\nsoon\n"),
        ask(address, "1999\n2015\n")
    )?;
    print!("{one}{two}");
    Ok(())
}
