package main

import (
	"slices"
	"strings"
	"testing"

	"roster/internal/function"
)

// statement is one of an IAM policy.
type statement struct {
	actions, resources []string
	condition          any
}

// granted returns what a function's role allows.
func granted(t *testing.T, d deployment, name string) []statement {
	t.Helper()
	_, r, stack := d.lambda(t, name)
	role, _ := at(r.Properties, "Role", "Fn::GetAtt", 0).(string)
	if p := stack.Resources[role].Properties; p["ManagedPolicyArns"] != nil || p["Policies"] != nil {
		t.Errorf("%s: the role has policies besides its own", name)
	}
	var all []statement
	for _, policy := range stack.of("AWS::IAM::Policy") {
		if at(policy.Properties, "Roles", 0, "Ref") == role {
			all = append(all, statements(t, policy)...)
		}
	}
	return all
}

func statements(t *testing.T, policy resource) []statement {
	t.Helper()
	var all []statement
	for _, s := range at(policy.Properties, "PolicyDocument", "Statement").([]any) {
		if at(s, "Effect") != "Allow" || at(s, "NotAction") != nil || at(s, "NotResource") != nil {
			t.Errorf("a statement that is not a plain Allow: %s", text(s))
		}
		all = append(all, statement{list(at(s, "Action")), list(at(s, "Resource")), at(s, "Condition")})
	}
	return all
}

func actionsOn(all []statement, target string) []string {
	var actions []string
	for _, s := range all {
		if slices.ContainsFunc(s.resources, func(r string) bool { return strings.Contains(r, target) }) {
			actions = append(actions, s.actions...)
		}
	}
	slices.Sort(actions)
	return slices.Compact(actions)
}

func TestPoliciesNameTheirActions(t *testing.T) {
	t.Parallel()
	for name, stack := range custom.stacks() {
		for id, policy := range stack.of("AWS::IAM::Policy") {
			for _, s := range statements(t, policy) {
				for _, action := range s.actions {
					if strings.Contains(action, "*") || strings.HasSuffix(action, ":Scan") {
						t.Errorf("%s: %s allows %s", name, id, action)
					}
				}
				if slices.Contains(s.resources, "*") {
					t.Errorf("%s: %s allows %v on everything", name, id, s.actions)
				}
			}
		}
		for id, role := range stack.of("AWS::IAM::Role") {
			if role.Properties["ManagedPolicyArns"] != nil {
				t.Errorf("%s: %s has managed policies", name, id)
			}
		}
	}
}

func TestFunctionsMayDoWhatTheyNeed(t *testing.T) {
	t.Parallel()
	reads := []string{"dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"}
	writes := []string{"dynamodb:ConditionCheckItem", "dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem"}
	for _, f := range function.All {
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			all := granted(t, plain, f.Name)
			var onTable, onIndex, onSecret, onSetup, onCredentials, onFiles []string
			if !f.NoTable {
				onTable, onIndex, onSecret = slices.Clone(reads), []string{"dynamodb:Query"}, []string{"secretsmanager:GetSecretValue"}
				if !f.ReadsOnly {
					onTable = append(onTable, writes...)
				}
				if f.Places {
					onTable = append(onTable, "dynamodb:BatchWriteItem")
				}
			}
			if f.SetsUp {
				onSetup = []string{"secretsmanager:GetSecretValue"}
			}
			if f.Seals {
				onCredentials = []string{"kms:GenerateDataKey"}
			}
			if f.ReadsFiles {
				onFiles = append(onFiles, "s3:GetObject")
			}
			if f.WritesFiles {
				onFiles = append(onFiles, "s3:PutObject")
			}
			slices.Sort(onTable)
			for target, want := range map[string][]string{
				"/index/list": onIndex, "/index/state": onIndex,
				"RefSecret": onSecret, "RefSetupToken": onSetup, "GetAttCredentialsKey": onCredentials, "GetAttFiles": onFiles,
			} {
				if got := actionsOn(all, target); !slices.Equal(got, want) {
					t.Errorf("on %s it may %v, want %v", target, got, want)
				}
			}
			if got := actionsOn(all, "GetAttTable"); !slices.Equal(without(got, "dynamodb:", streamActions), onTable) {
				t.Errorf("on the table it may %v, want %v", got, onTable)
			}
			if usesKey := len(actionsOn(all, "GetAttKey")) > 0; usesKey == f.NoTable {
				t.Errorf("it may use the key: %v", usesKey)
			}
		})
	}
}

var streamActions = []string{"DescribeStream", "GetRecords", "GetShardIterator", "ListStreams"}

func without(actions []string, prefix string, names []string) []string {
	return slices.DeleteFunc(slices.Clone(actions), func(a string) bool {
		return slices.Contains(names, strings.TrimPrefix(a, prefix))
	})
}

func TestOnlyFunctionsOfTheStreamReadIt(t *testing.T) {
	t.Parallel()
	for _, f := range function.All {
		reads := slices.ContainsFunc(granted(t, plain, f.Name), func(s statement) bool {
			return slices.Contains(s.actions, "dynamodb:GetRecords")
		})
		if reads != (f.Trigger == function.Stream) {
			t.Errorf("%s may read the stream: %v", f.Name, reads)
		}
	}
}

func TestKeyIsUsedThroughServicesOnly(t *testing.T) {
	t.Parallel()
	for _, f := range function.All {
		for _, s := range granted(t, plain, f.Name) {
			if strings.HasPrefix(s.actions[0], "kms:") && slices.ContainsFunc(s.resources, isTablesKey) && at(s.condition, "StringEquals", "kms:ViaService") == nil {
				t.Errorf("%s may use the key directly: %v", f.Name, s.actions)
			}
		}
	}
}

func isTablesKey(resource string) bool { return strings.Contains(resource, "GetAttKey") }

// Whoever seals a credential seals it for a connection.
func TestCredentialsAreSealedForAConnection(t *testing.T) {
	t.Parallel()
	for _, f := range function.All {
		for _, s := range granted(t, plain, f.Name) {
			if len(actionsOn([]statement{s}, "GetAttCredentialsKey")) > 0 &&
				at(s.condition, "Null", "kms:EncryptionContext:connection") != "false" {
				t.Errorf("%s may seal anything: %v", f.Name, s)
			}
		}
	}
}

func TestOnlySendersMaySendAndOnlyFromTheSender(t *testing.T) {
	t.Parallel()
	for _, f := range function.All {
		sends := false
		for _, s := range granted(t, custom, f.Name) {
			if !slices.ContainsFunc(s.actions, func(a string) bool { return strings.HasPrefix(a, "ses:") }) {
				continue
			}
			sends = true
			if !slices.Equal(s.actions, []string{"ses:SendEmail"}) {
				t.Errorf("%s may %v", f.Name, s.actions)
			}
			if from := at(s.condition, "StringEquals", "ses:FromAddress"); from != "models@mail.acme.example" {
				t.Errorf("%s may send from %v", f.Name, from)
			}
		}
		if sends != f.SendsMail {
			t.Errorf("%s may send mail: %v, want %v", f.Name, sends, f.SendsMail)
		}
	}
}
