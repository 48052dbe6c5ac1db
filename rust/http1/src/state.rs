//! The protocol as a table: what each side of a connection is doing, and what may happen next.
//!
//! A connection has two sides that move together: what is received and what is sent. Every fact about the
//! protocol's order (no answer without a request, no second request before the answer to the first, nothing
//! after a refusal) is a row of [`step`]; a pair that has no row cannot happen.

/// What is received next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Receiving {
    /// The next request's head, or a part of it.
    Idle,
    /// The body of the present request.
    Body,
    /// Nothing: the request is complete and waits for its answer.
    Done,
    /// The rest of a body that nobody reads any more; it is thrown away.
    Draining,
    /// Nothing: the input was refused, so its end is unknown. What comes is thrown away.
    Failed,
    /// Nothing: the connection ends. What comes is thrown away.
    Closed,
    /// Another protocol's bytes.
    Switched,
}

/// What is sent next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sending {
    /// Nothing: there is no request to answer.
    Idle,
    /// The answer to the present request.
    Owed,
    /// The answer's body, or its end.
    Body,
    /// Nothing: the answer is complete.
    Done,
    /// Nothing: the connection ends.
    Closed,
    /// Another protocol's bytes.
    Switched,
}

/// What happens on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    /// A request's head is complete.
    RequestHead,
    /// A request's body is complete.
    RequestEnd,
    /// What was received is refused.
    Refuse,
    /// The answer's head was made.
    ResponseHead,
    /// The answer's body is complete.
    ResponseEnd,
    /// Both are complete and another request may follow.
    Reuse,
    /// The answer is complete, the request's body is not.
    Drain,
    /// The connection becomes another protocol's.
    Switch,
    /// The connection ends here.
    Stop,
}

/// Returns both sides' next states, or `None` if the signal cannot come now.
pub(crate) const fn step(
    signal: Signal,
    receiving: Receiving,
    sending: Sending,
) -> Option<(Receiving, Sending)> {
    use Receiving as R;
    use Sending as S;
    use Signal as E;
    #[rustfmt::skip] // the columns are the table
    #[allow(clippy::match_same_arms)] // a row for each fact
    let next = match (signal, receiving, sending) {
        // what happens      received so far  sent so far     received then    sent then
        (E::RequestHead,     R::Idle,         S::Idle)   =>   (R::Body,        S::Owed),
        (E::RequestEnd,      R::Body,         sent)      =>   (R::Done,        sent),
        (E::RequestEnd,      R::Draining,     S::Done)   =>   (R::Done,        S::Done),
        (E::Refuse,          R::Idle,         S::Idle)   =>   (R::Failed,      S::Owed),
        (E::Refuse,          R::Body,         sent)      =>   (R::Failed,      sent),
        (E::Refuse,          R::Draining,     S::Done)   =>   (R::Failed,      S::Closed),
        (E::ResponseHead,    received,        S::Owed)   =>   (received,       S::Body),
        (E::ResponseEnd,     received,        S::Body)   =>   (received,       S::Done),
        (E::Reuse,           R::Done,         S::Done)   =>   (R::Idle,        S::Idle),
        (E::Drain,           R::Body,         S::Done)   =>   (R::Draining,    S::Done),
        (E::Switch,          R::Done,         S::Owed)   =>   (R::Switched,    S::Switched),
        (E::Stop,            R::Failed,       _)         =>   (R::Failed,      S::Closed),
        (E::Stop,            _,               _)         =>   (R::Closed,      S::Closed),
        _ => return None,
    };
    Some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECEIVING: [Receiving; 7] = [
        Receiving::Idle,
        Receiving::Body,
        Receiving::Done,
        Receiving::Draining,
        Receiving::Failed,
        Receiving::Closed,
        Receiving::Switched,
    ];
    const SENDING: [Sending; 6] = [
        Sending::Idle,
        Sending::Owed,
        Sending::Body,
        Sending::Done,
        Sending::Closed,
        Sending::Switched,
    ];
    const SIGNALS: [Signal; 9] = [
        Signal::RequestHead,
        Signal::RequestEnd,
        Signal::Refuse,
        Signal::ResponseHead,
        Signal::ResponseEnd,
        Signal::Reuse,
        Signal::Drain,
        Signal::Switch,
        Signal::Stop,
    ];

    #[test]
    fn after_a_refusal_no_signal_leads_back_to_a_request() {
        for sending in SENDING {
            for signal in SIGNALS {
                if let Some((receiving, _)) = step(signal, Receiving::Failed, sending) {
                    assert_eq!(receiving, Receiving::Failed, "{signal:?} {sending:?}");
                }
            }
        }
    }

    #[test]
    fn a_closed_side_stays_closed() {
        for receiving in RECEIVING {
            for signal in SIGNALS {
                if let Some((_, sending)) = step(signal, receiving, Sending::Closed) {
                    assert_eq!(sending, Sending::Closed, "{signal:?} {receiving:?}");
                }
            }
        }
    }

    #[test]
    fn every_state_but_the_last_ones_is_reached_from_a_new_connection() {
        let mut reached = vec![(Receiving::Idle, Sending::Idle)];
        let mut seen = 0;
        while let Some(&(receiving, sending)) = reached.get(seen) {
            seen += 1;
            for next in SIGNALS
                .iter()
                .filter_map(|signal| step(*signal, receiving, sending))
            {
                if !reached.contains(&next) {
                    reached.push(next);
                }
            }
        }
        for state in RECEIVING {
            assert!(
                reached.iter().any(|(receiving, _)| *receiving == state),
                "{state:?}"
            );
        }
        for state in SENDING {
            assert!(
                reached.iter().any(|(_, sending)| *sending == state),
                "{state:?}"
            );
        }
        // an answer is owed or under way only while its request is there, or was refused
        for (receiving, sending) in reached {
            if matches!(sending, Sending::Owed | Sending::Body) {
                assert!(matches!(
                    receiving,
                    Receiving::Body | Receiving::Done | Receiving::Failed
                ));
            }
        }
    }
}
