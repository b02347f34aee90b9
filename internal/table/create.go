package table

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Create makes the table with its indexes and stream, for engines on one
// machine; in AWS the CDK app does. An existing table is left as it is.
func Create(ctx context.Context, db *dynamodb.Client, name string) error {
	in := &dynamodb.CreateTableInput{
		TableName:   &name,
		BillingMode: types.BillingModePayPerRequest,
		KeySchema:   keySchema("pk", "sk"),
		StreamSpecification: &types.StreamSpecification{
			StreamEnabled: new(true), StreamViewType: types.StreamViewTypeNewAndOldImages,
		},
		AttributeDefinitions: attributes("pk", "sk"),
	}
	for _, index := range Indexes {
		pk, sk := index.Name+"_pk", index.Name+"_sk"
		in.AttributeDefinitions = append(in.AttributeDefinitions, attributes(pk, sk)...)
		in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, types.GlobalSecondaryIndex{
			IndexName: &index.Name,
			KeySchema: keySchema(pk, sk),
			Projection: &types.Projection{
				ProjectionType: types.ProjectionTypeInclude, NonKeyAttributes: index.Include,
			},
		})
	}
	_, err := db.CreateTable(ctx, in)
	if _, exists := errors.AsType[*types.ResourceInUseException](err); err != nil && !exists {
		return err
	}
	return dynamodb.NewTableExistsWaiter(db).Wait(ctx, &dynamodb.DescribeTableInput{TableName: &name}, time.Minute)
}

func keySchema(pk, sk string) []types.KeySchemaElement {
	return []types.KeySchemaElement{
		{AttributeName: &pk, KeyType: types.KeyTypeHash},
		{AttributeName: &sk, KeyType: types.KeyTypeRange},
	}
}

func attributes(names ...string) []types.AttributeDefinition {
	all := make([]types.AttributeDefinition, len(names))
	for i, name := range names {
		all[i] = types.AttributeDefinition{AttributeName: &name, AttributeType: types.ScalarAttributeTypeS}
	}
	return all
}
