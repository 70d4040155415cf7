"""What a model's predictions owe to each raw column: importance, effects, and contributions to single predictions.

Nothing here knows a model. Everything is asked through `Ask`: a table of rows lies with whoever answers, and a question
says for each column from which row of the table its value comes. So a missing value stays missing, and a model sees
values that rows really had.
"""
