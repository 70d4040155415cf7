"""The taxi task: will a rider tip more than 20% of the fare?"""
