package main

import (
	"github.com/spf13/cobra"

	"tripline/sensor/schema"
)

func schemaCommand(std streams) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the Elasticsearch index template for alerts and events",
		Long: `Print the composable index template for the data streams that the sensor's
documents go to (` + schema.Pattern + `). A cluster takes it with

  tripline schema | curl -H 'Content-Type: application/json' --data-binary @- \
    -X PUT https://elastic.example:9200/_index_template/` + schema.Name,
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			text, err := schema.Template()
			if err != nil {
				return err
			}
			_, err = std.out.Write(text)
			return err
		},
	}
}
