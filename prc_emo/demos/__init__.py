"""The recipe of PRC-Emo's demonstrations as a tool: topics, dialogues, labels judged anew, and only agreement is kept."""
