package usage

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"roster/internal/id"
	"roster/internal/money"
	"roster/internal/spent"
	"roster/internal/table"
)

// Counters are sums over events.
type Counters struct {
	Requests int64 `json:"requests" dynamodbav:"r,omitempty"`
	// Input and Output are absent where they are not counted: of one model, or one key.
	Input  TokenCount   `json:"input_tokens,omitzero" dynamodbav:"i,omitempty"`
	Output TokenCount   `json:"output_tokens,omitzero" dynamodbav:"o,omitempty"`
	Cost   money.Amount `json:"cost_usd" dynamodbav:"c,omitempty"`
	// personal is how many requests went over personal connections; they are in
	// none of the sums above.
	personal int64
}

// TokenCount is how many tokens there were.
type TokenCount int64

// Uncounted is the TokenCount of what is not counted by tokens.
const Uncounted TokenCount = math.MinInt64

// IsZero reports whether the tokens are not counted: that there were none is shown.
func (t TokenCount) IsZero() bool { return t == Uncounted }

// String is the number; empty, it is not counted.
func (t TokenCount) String() string {
	if t == Uncounted {
		return ""
	}
	return strconv.FormatInt(int64(t), 10)
}

func (c Counters) plus(d Counters) Counters {
	sum := func(a, b int64) int64 { return int64(money.Amount(a).Plus(money.Amount(b))) }
	return Counters{
		Requests: sum(c.Requests, d.Requests), Input: TokenCount(sum(int64(c.Input), int64(d.Input))), Output: TokenCount(sum(int64(c.Output), int64(d.Output))),
		Cost: c.Cost.Plus(d.Cost), personal: sum(c.personal, d.personal),
	}
}

// tally is a member's counters of one month. In the item, an attribute is a
// letter (c cost in nano-USD, r requests, i input tokens, o output tokens, p
// requests over personal connections), followed by nothing for the month, two
// digits for a day (see sealedDays), a colon and a model (c and r alone), teamMark and a team
// that the member was in when the events were recorded, or keyMark and a key (c and r
// alone; c also followed by a day). The letter m alone is how many models have a name.
// spent.UsedKeys is no number, but bytes, and spent.Holds a map: what it holds stands in
// c of the month and the day, and of the key, too. q begins what counts for rates
// (minute), f before a key its reservations, where their number is limited, and w before
// the number of a source is the last of its chunks that is counted.
type tally struct {
	total  Counters
	days   map[int]Counters
	models map[string]Counters
	teams  map[id.Team]Counters
	// keys are by their spent.KeyMark, and keyDays what was spent through them on days.
	keys    map[string]Counters
	keyDays map[keyDay]money.Amount
	named   int64
	used    []byte
	// open are the days that are not sealed, and sealed those that are.
	open   dayCounters
	sealed []byte
	// holds are what is reserved, by their names: none of the sums has it.
	holds map[string]spent.Hold
	// holding: there were some.
	holding bool
	// minutes are the last ones that count for rates, by the spent.KeyMark of a key; empty,
	// the member's.
	minutes map[string]minute
	// watermarks are up to which chunk of each source the month counts.
	watermarks map[Source]Sequence
	// fence is the version of the member that a reservation has to have read, at least.
	fence int
}

// Before a team, and before a key.
const (
	teamMark = "~"
	keyMark  = "^"
)

// TeamsCharged are those for which a change of a member's month counts more, or less, cost.
func TeamsCharged(before, after table.Item) []id.Team {
	var all []id.Team
	for name, value := range after {
		team, ok := strings.CutPrefix(name, "c"+teamMark)
		if !ok {
			continue
		}
		is, _ := value.(*types.AttributeValueMemberN)
		was, _ := before[name].(*types.AttributeValueMemberN)
		if is != nil && (was == nil || was.Value != is.Value) {
			all = append(all, id.Team(team))
		}
	}
	return all
}

// of is the sum of a team's events; of no team, of all.
func (t tally) of(team id.Team) Counters {
	if team == "" {
		return t.total
	}
	return t.teams[team]
}

// counters reads a month; nil is one in which nothing was counted.
func counters(month table.Item) (*tally, error) {
	t := new(tally)
	return t, t.UnmarshalDynamoDBAttributeValue(&types.AttributeValueMemberM{Value: month})
}

// UnmarshalDynamoDBAttributeValue reads the item. A counter that has outgrown an
// int64 is held at the largest: it must not make a member's month unreadable.
func (t *tally) UnmarshalDynamoDBAttributeValue(item types.AttributeValue) error {
	attributes, ok := item.(*types.AttributeValueMemberM)
	if !ok {
		return fmt.Errorf("usage: a month is a %T", item)
	}
	*t = tally{days: map[int]Counters{}, models: map[string]Counters{}, teams: map[id.Team]Counters{},
		open: dayCounters{}, sealed: sealedOf(attributes.Value), keys: map[string]Counters{}, keyDays: map[keyDay]money.Amount{}, minutes: map[string]minute{}, watermarks: map[Source]Sequence{}, holds: spent.DecodeHolds(attributes.Value)}
	if used, ok := attributes.Value[spent.UsedKeys].(*types.AttributeValueMemberB); ok {
		t.used = used.Value
	}
	for name, value := range attributes.Value {
		number, ok := value.(*types.AttributeValueMemberN)
		if !ok {
			continue
		}
		n, _ := strconv.ParseInt(number.Value, 10, 64)
		letter, of := name[:1], name[1:]
		model, isModel := strings.CutPrefix(of, ":")
		team, isTeam := strings.CutPrefix(of, teamMark)
		key, isKey := strings.CutPrefix(of, keyMark)
		switch {
		case letter == "q" && len(name) > 1:
			t.setMinute(name, n)
		case letter == "w":
			if source, err := strconv.Atoi(of); err == nil {
				t.watermarks[Source(source)] = Sequence(n)
			}
		case name == "m":
			t.named = n
		case name == "lv":
			t.fence = int(n)
		case of == "":
			t.total.set(letter, n)
		case isModel:
			c := t.models[model]
			c.set(letter, n)
			t.models[model] = c
		case isTeam:
			c := t.teams[id.Team(team)]
			c.set(letter, n)
			t.teams[id.Team(team)] = c
		case isKey:
			t.setKey(letter, key, n)
		default:
			if letter, day, ok := dayOf(name); ok {
				t.open.add(letter, day, n)
			}
		}
	}
	for _, days := range []dayCounters{unseal(t.sealed), t.open} {
		for day, counters := range days {
			var c Counters
			for letter, n := range counters {
				c.set(letter, n)
			}
			t.days[day] = t.days[day].plus(c)
		}
	}
	_, t.holding = attributes.Value[spent.Holds]
	for _, h := range t.holds {
		t.leaveOut(h)
	}
	return nil
}

// dayOf reads the name of a day's counter.
func dayOf(name string) (letter string, day int, ok bool) {
	day, err := strconv.Atoi(name[1:])
	return name[:1], day, err == nil
}

// keyDay is a key, by its spent.KeyMark, in a day.
type keyDay struct {
	key string
	day int
}

// sum is the attribute with what was spent through the key in the day.
func (k keyDay) sum() string { return fmt.Sprintf("c%s%s%02d", keyMark, k.key, k.day) }

// setKey sets a counter of a key: "01ARYZ6S" is of the month, "01ARYZ6S22" of a day.
func (t *tally) setKey(letter, key string, n int64) {
	if day, err := strconv.Atoi(key[min(len(key), spent.KeyMarkLength):]); err == nil {
		t.keyDays[keyDay{key[:spent.KeyMarkLength], day}] = money.Amount(n)
		return
	}
	c := t.keys[key]
	c.set(letter, n)
	t.keys[key] = c
}

// has reports whether there is a reservation of that name.
func (t *tally) has(hold string) bool {
	_, ok := t.holds[hold]
	return ok
}

// leaveOut takes what is held out of the sums in which it counts.
func (t *tally) leaveOut(h spent.Hold) {
	t.total.Cost -= h.Amount
	day := t.days[h.Day]
	day.Cost -= h.Amount
	t.days[h.Day] = day
	if h.Key == "" {
		return
	}
	key := t.keys[h.Key]
	key.Cost -= h.Amount
	t.keys[h.Key] = key
	t.keyDays[keyDay{h.Key, h.Day}] -= h.Amount
}

func (c *Counters) set(letter string, n int64) {
	switch letter {
	case "c":
		c.Cost = money.Amount(n)
	case "r":
		c.Requests = n
	case "i":
		c.Input = TokenCount(n)
	case "o":
		c.Output = TokenCount(n)
	case "p":
		c.personal = n
	}
}
