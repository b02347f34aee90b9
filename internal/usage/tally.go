package usage

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"roster/internal/id"
	"roster/internal/money"
	"roster/internal/spent"
)

// Counters are sums over events.
type Counters struct {
	Requests int64        `json:"requests" dynamodbav:"r,omitempty"`
	Input    int64        `json:"input_tokens" dynamodbav:"i,omitempty"`
	Output   int64        `json:"output_tokens" dynamodbav:"o,omitempty"`
	Cost     money.Amount `json:"cost_usd" dynamodbav:"c,omitempty"`
	// personal is how many requests went over personal connections; they are in
	// none of the sums above.
	personal int64
}

func (c Counters) plus(d Counters) Counters {
	sum := func(a, b int64) int64 { return int64(money.Amount(a).Plus(money.Amount(b))) }
	return Counters{
		Requests: sum(c.Requests, d.Requests), Input: sum(c.Input, d.Input), Output: sum(c.Output, d.Output),
		Cost: c.Cost.Plus(d.Cost), personal: sum(c.personal, d.personal),
	}
}

// tally is a member's counters of one month. In the item, an attribute is a
// letter (c cost in nano-USD, r requests, i input tokens, o output tokens, p
// requests over personal connections), followed by nothing for the month, two
// digits for a day, a colon and a model (c and r alone), or teamMark and a team
// that the member was in when the events were recorded. The letter m alone is how
// many models have a name. spent.UsedKeys is no number,
// but bytes.
type tally struct {
	total  Counters
	days   map[int]Counters
	models map[string]Counters
	teams  map[id.Team]Counters
	named  int64
	used   []byte
}

const teamMark = "~"

// of is the sum of a team's events; of no team, of all.
func (t tally) of(team id.Team) Counters {
	if team == "" {
		return t.total
	}
	return t.teams[team]
}

// UnmarshalDynamoDBAttributeValue reads the item. A counter that has outgrown an
// int64 is held at the largest: it must not make a member's month unreadable.
func (t *tally) UnmarshalDynamoDBAttributeValue(item types.AttributeValue) error {
	attributes, ok := item.(*types.AttributeValueMemberM)
	if !ok {
		return fmt.Errorf("usage: a month is a %T", item)
	}
	*t = tally{days: map[int]Counters{}, models: map[string]Counters{}, teams: map[id.Team]Counters{}}
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
		switch {
		case name == "m":
			t.named = n
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
		default:
			if day, err := strconv.Atoi(of); err == nil {
				c := t.days[day]
				c.set(letter, n)
				t.days[day] = c
			}
		}
	}
	return nil
}

func (c *Counters) set(letter string, n int64) {
	switch letter {
	case "c":
		c.Cost = money.Amount(n)
	case "r":
		c.Requests = n
	case "i":
		c.Input = n
	case "o":
		c.Output = n
	case "p":
		c.personal = n
	}
}
