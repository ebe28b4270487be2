// Package schema makes the Elasticsearch index template for the documents that the
// sensor emits, so that a cluster takes them with the types that they have.
package schema
