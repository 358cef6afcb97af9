"""Django permissions of questions in SQL."""

REGISTER = "text_to_sql.add_database"
READ_DATABASES = "text_to_sql.view_database"
CHANGE_DATABASES = "text_to_sql.change_database"
DELETE_DATABASES = "text_to_sql.delete_database"
RUN_SQL = "text_to_sql.add_queryexecutionlog"
READ_EXECUTIONS = "text_to_sql.view_queryexecutionlog"
READ_LLM_CALLS = "text_to_sql.view_llmlog"
