"""Paths under `/ddp/`."""

from django.urls import path

from text_to_sql.views import databases, tables, words

urlpatterns = [
    path("db", databases.Databases.as_view(), name="databases"),
    path("db/<int:database_id>", databases.OneDatabase.as_view(), name="database"),
    path("db/<int:database_id>/extract/table", tables.Extraction.as_view(), name="extract-tables"),
    path("db/<int:database_id>/table", tables.Tables.as_view(), name="tables"),
    path("db/<int:database_id>/synonym", words.Synonyms.as_view(), name="synonyms"),
    path("db/<int:database_id>/example", words.Examples.as_view(), name="examples"),
    path("table/<int:table_id>", tables.OneTable.as_view(), name="table"),
    path("column/<int:column_id>", tables.OneColumn.as_view(), name="column"),
    path("synonym/<int:item_id>", words.OneSynonym.as_view(), name="synonym"),
    path("example/<int:item_id>", words.OneExample.as_view(), name="example"),
]
