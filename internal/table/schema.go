package table

// Index is a global secondary index; its key attributes are its name + "_pk"
// and "_sk".
type Index struct {
	Name string
	// Include names the attributes that the index carries besides the keys.
	Include []string
}

// The indexes. Both are sparse, and neither carries what changes on the hot path.
//
//	list   O#<org>                    <address or name>   members and those who wait, in one order
//	       PF                         <org>               every organization
//	       AU#<org>#about#<user>      <audit id>          audit events that concern a member
//	       LQ#<org>#of#<user>         <request>           limit requests of a member
//	state  O#<org>#<status>           <address or name>   who is pending, suspended or removed
//	       UM#<org>#<yyyy-mm>         <user>              who used models in that month
const (
	ListIndex  = "list"
	StateIndex = "state"
)

// rowAttributes are what a row of a list shows: at most 20, as DynamoDB has it
// (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Projection.html).
// Digests of keys and counters are not among them: 50 rows fit into 16 KB.
var rowAttributes = []string{
	"kind", "id", "email", "name", "alias", "role", "status", "metadata", "terms", "key_count",
	"responsible", "request", "invite", "delivery", "expires_at", "created_at", "updated_at",
	"last_active_at", "teams", "offer",
}

// Indexes are all of the table's. Data stacks and local tables are made from them.
var Indexes = []Index{
	{Name: ListIndex, Include: rowAttributes},
	{Name: StateIndex, Include: rowAttributes},
}

// TTL is the attribute with the Unix second after which an item may be deleted.
// Nothing relies on the deletion.
const TTL = "ttl"

// Row places an item in the indexes; embed it in the item's struct. An empty
// key keeps the item out.
type Row struct {
	ListPK  string `dynamodbav:"list_pk,omitempty"`
	ListSK  string `dynamodbav:"list_sk,omitempty"`
	StatePK string `dynamodbav:"state_pk,omitempty"`
	StateSK string `dynamodbav:"state_sk,omitempty"`
}
