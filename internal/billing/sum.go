package billing

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"roster/internal/id"
	"roster/internal/usage"
)

// maxRows bounds the rows of models, and those of teams: what is beyond counts in the
// row without a name of its month.
const maxRows = 1000

// sum adds the entries of a statement up. Entries in the same order make the same
// sum.
type sum struct {
	of      Month
	members int
	totals  usage.Counters
	byMonth map[Month]usage.Counters
	byModel map[rowKey[string]]usage.Counters
	byTeam  map[rowKey[id.Team]]usage.Counters
}

// rowKey is what a row is of.
type rowKey[Of comparable] struct {
	month Month
	of    Of
}

func newSum(of Month) *sum {
	return &sum{
		of: of, byMonth: map[Month]usage.Counters{},
		byModel: map[rowKey[string]]usage.Counters{}, byTeam: map[rowKey[id.Team]]usage.Counters{},
	}
}

func (s *sum) add(e entry) {
	if e.Lines > 0 {
		s.members++
	}
	for month, sums := range e.sums(s.of) {
		s.totals = s.totals.Plus(sums.Counters)
		s.byMonth[month] = s.byMonth[month].Plus(sums.Counters)
		addRows(s.byModel, month, sums.Models, usage.ModelMark)
		addRows(s.byTeam, month, sums.Teams, "")
	}
}

func addRows[Of cmp.Ordered](rows map[rowKey[Of]]usage.Counters, month Month, counted map[Of]usage.Counters, others Of) {
	for _, of := range slices.Sorted(maps.Keys(counted)) {
		key := rowKey[Of]{month, of}
		if _, known := rows[key]; !known && len(rows) >= maxRows {
			key.of = others
		}
		rows[key] = rows[key].Plus(counted[of])
	}
}

// adjustments are the sums of earlier months, the latest first.
func (s *sum) adjustments() []adjustedMonth {
	var all []adjustedMonth
	for month, c := range s.byMonth {
		if month != s.of {
			all = append(all, adjustedMonth{month, c})
		}
	}
	slices.SortFunc(all, func(a, b adjustedMonth) int { return cmp.Compare(b.Month, a.Month) })
	return all
}

// rows are those of teams and then of models: the statement's month before
// adjustments, the costliest first.
func (s *sum) rows() []row {
	all := make([]row, 0, len(s.byTeam)+len(s.byModel))
	for key, c := range s.byTeam {
		all = append(all, row{Month: key.month, IsTeam: true, Team: key.of, Counters: c})
	}
	for key, c := range s.byModel {
		all = append(all, row{Month: key.month, Model: strings.TrimPrefix(key.of, usage.ModelMark), Counters: c})
	}
	slices.SortFunc(all, func(a, b row) int {
		if a.IsTeam != b.IsTeam {
			if a.IsTeam {
				return -1
			}
			return 1
		}
		return cmp.Or(
			cmp.Compare(b.Month, a.Month), cmp.Compare(b.Counters.Cost, a.Counters.Cost),
			cmp.Compare(a.Team, b.Team), cmp.Compare(a.Model, b.Model))
	})
	return all
}
