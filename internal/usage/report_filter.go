package usage

import (
	"slices"

	"roster/internal/fault"
	"roster/internal/id"
	"roster/internal/spent"
)

// filtered reports whether the figures are of one model, or one key, alone.
func (in ReportRequest) filtered() bool { return in.Model != "" || in.Key != "" }

// filter refuses what is not counted of a model or a key. Whose key it is, its id tells.
func (in *ReportRequest) filter(parts []part) error {
	name, groups := "model", []GroupBy{"", byUser, byMonth, byModel}
	if in.Key != "" {
		name, groups = "key_id", []GroupBy{"", byUser, byMonth, byKey}
	}
	switch {
	case !in.filtered():
		return nil
	case in.Model != "" && in.Key != "":
		return fault.InvalidParameter("key_id", "cannot stand beside model: keys are not counted by models")
	case !slices.Contains(groups, in.GroupBy):
		return fault.InvalidParameter("group_by", "is not counted by "+name)
	case !wholeMonths(parts):
		return fault.InvalidParameter(name, "is counted by months: start_date must be the first day of one, and end_date the last")
	case slices.Contains([]Sort{byTokens, byInput, byOutput}, in.Sort):
		return fault.InvalidParameter("sort", "is of tokens, which are not counted by "+name)
	case in.Key == "":
		return nil
	case in.User == "":
		in.User = in.Key.User()
	case in.User != in.Key.User():
		return fault.InvalidParameter("key_id", "is not a key of user_id")
	}
	return nil
}

// counted is what the request asks for of a month.
func (in ReportRequest) counted(user id.User, of part, t *tally) Counters {
	switch {
	case in.Model != "":
		return t.models[string(in.Model)]
	case in.Key != "" && in.Key.User() != user:
		return Counters{}
	case in.Key != "":
		return t.keys[spent.KeyMark(in.Key)]
	}
	return of.of(t)
}

// withoutTokens is what is not counted by tokens.
func (c Counters) withoutTokens() Counters {
	c.Input, c.Output = Uncounted, Uncounted
	return c
}

// withoutTokens leaves the tokens out of a report of one model or key, and with them what
// is not counted of it besides.
func (u *Usage) withoutTokens() {
	u.Excluded, u.Totals.Counters = nil, u.Totals.withoutTokens()
	for i := range u.ByMember {
		u.ByMember[i].Counters = u.ByMember[i].withoutTokens()
	}
	for i := range u.ByMonth {
		u.ByMonth[i].Counters = u.ByMonth[i].withoutTokens()
	}
}
