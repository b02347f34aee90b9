package spending

import "time"

// Temporary are limits that go before those that last, until they end by themselves.
type Temporary struct {
	Chosen
	// Until is when they end, to the second.
	Until time.Time `dynamodbav:"until,unixtime"`
}

// Live reports whether they bind at a time; nil never do.
func (t *Temporary) Live(now time.Time) bool { return t != nil && now.Before(t.Until) }

// Over are the overrides at a time of who has others that last.
func (t *Temporary) Over(lasting Overrides, now time.Time) Overrides {
	if !t.Live(now) {
		return lasting
	}
	own := t.Overrides()
	if own.Monthly.Set {
		lasting.Monthly = own.Monthly
	}
	if own.Daily.Set {
		lasting.Daily = own.Daily
	}
	return lasting
}

// SameAs reports whether the two choose the same for the same time.
func (t *Temporary) SameAs(as *Temporary) bool {
	return t == as || t != nil && as != nil && t.Same(as.Chosen) && t.Until.Equal(as.Until)
}

// RecordedUntil is what an audit event shows, by the API's names; nil of none.
func (t *Temporary) RecordedUntil() any {
	if t == nil {
		return nil
	}
	shown := t.Recorded()
	shown["until"] = t.Until.UTC().Format(time.RFC3339)
	return shown
}
